import {
  type CloudWatchClient,
  type Dimension,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
} from "@aws-sdk/client-cloudwatch";
import { callAws } from "#platform/errors/call-aws.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { emitCount } from "./cloudwatch/emit-count.ts";
import { formatMetricLines } from "./cloudwatch/metric-lines.ts";
import { placePercentile } from "./cloudwatch/place-percentile.ts";
import { listScoreMetrics } from "./list-score-metrics.ts";
import {
  choosePercentiles,
  hourMs,
  type Metrics,
  metricNames,
  type Statistics,
  type Window,
} from "./metrics.ts";
import { parseRowsMetric, toRowsMetric } from "./rows-metric.ts";

const { score, negativeScore } = metricNames.inference;

const minuteMs = 60_000;
/** Limits per call: GetMetricStatistics takes ten percentiles, GetMetricData 500 metrics. */
const percentilesPerCall = 10;
const metricsPerCall = 500;

const splitIntoChunks = <T>(all: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );

/** CloudWatch's name of a percentile has at most two decimals. */
const toPercentileName = (percentile: number): string => `p${Number(percentile.toFixed(2))}`;

const toDimensions = (dimensions: Readonly<Record<string, string>>): Dimension[] =>
  Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));

/** CloudWatch's periods are whole minutes, so the window is extended to whole minutes. */
const roundToMinutes = ({ from, to }: Window) => {
  const start = Math.floor(from / minuteMs) * minuteMs;
  const end = Math.max(start + minuteMs, Math.ceil(to / minuteMs) * minuteMs);
  return { StartTime: new Date(start), EndTime: new Date(end), seconds: (end - start) / 1_000 };
};

/**
 * Metrics in CloudWatch, in one namespace. `emit` writes them as lines in the embedded metric format (to standard output
 * in a function), so a request makes no call. CloudWatch shows them a minute or two later, so a recent window may hold
 * less than was emitted, never more. Its percentiles approximate the nearest rank. `clock`: epoch milliseconds.
 */
export const createCloudWatchMetrics = (needs: {
  readonly client: CloudWatchClient;
  readonly namespace: string;
  readonly emit: (line: string) => void;
  readonly clock: () => number;
}): Metrics => {
  const { client, namespace, emit } = needs;

  /** Sums over the window, by metric name, and numbers of scores; a metric without data is 0. */
  const readSums = async (
    names: readonly string[],
    Dimensions: Dimension[],
    window: { readonly StartTime: Date; readonly EndTime: Date },
    Namespace: string = namespace,
  ): Promise<ReadonlyMap<string, number>> => {
    const sums = new Map<string, number>();
    for (const part of splitIntoChunks(names, metricsPerCall)) {
      const MetricDataQueries = part.map((MetricName, index) => ({
        Id: `m${index}`,
        MetricStat: {
          Metric: { Namespace, MetricName, Dimensions },
          Period: 60,
          Stat: MetricName === score || MetricName === negativeScore ? "SampleCount" : "Sum",
        },
      }));
      let NextToken: string | undefined;
      do {
        const command = new GetMetricDataCommand({
          MetricDataQueries,
          StartTime: window.StartTime,
          EndTime: window.EndTime,
          NextToken,
        });
        const response = await callAws("CloudWatch GetMetricData", () => client.send(command));
        for (const { Id = "", Values = [] } of response.MetricDataResults ?? []) {
          const name = part[Number(Id.slice(1))] ?? "";
          sums.set(
            name,
            Values.reduce((sum, value) => sum + value, sums.get(name) ?? 0),
          );
        }
        NextToken = response.NextToken;
      } while (NextToken !== undefined);
    }
    return sums;
  };

  /**
   * The calls that a version could not report, as Lambda counts them. Lambda adds the executed version to the metrics of
   * an alias that shares its calls between two versions, which is the case during a canary.
   * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
   */
  const readUnreported = async (
    { environment, model, version }: Window,
    window: { readonly StartTime: Date; readonly EndTime: Date },
  ): Promise<number> => {
    const FunctionName = toFunctionName(environment, model);
    const dimensions = toDimensions({
      FunctionName,
      Resource: `${FunctionName}:live`,
      ExecutedVersion: version,
    });
    const sums = await readSums(["Errors", "Throttles"], dimensions, window, "AWS/Lambda");
    return [...sums.values()].reduce((sum, value) => sum + value, 0);
  };

  /** The version's labels that CloudWatch lists; a new label appears up to 15 minutes after its first row. */
  const readListedLabels = async (dimensions: Dimension[]): Promise<readonly string[]> => {
    const labels: string[] = [];
    let NextToken: string | undefined;
    do {
      const command = new ListMetricsCommand({ Namespace: namespace, Dimensions: dimensions, NextToken });
      const page = await callAws("CloudWatch ListMetrics", () => client.send(command));
      for (const { MetricName = "", Dimensions = [] } of page.Metrics ?? []) {
        // The filter also matches metrics with additional dimensions.
        const label = Dimensions.length === dimensions.length ? parseRowsMetric(MetricName) : undefined;
        if (label !== undefined) labels.push(label);
      }
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return labels;
  };

  /** Reads the window as one period: the percentiles of its minutes cannot be combined. */
  const readPercentiles = async (
    MetricName: string,
    percentiles: readonly number[],
    Dimensions: Dimension[],
    window: ReturnType<typeof roundToMinutes>,
  ): Promise<ReadonlyMap<string, number>> => {
    const values = new Map<string, number>();
    for (const ExtendedStatistics of splitIntoChunks(
      [...new Set(percentiles.map(toPercentileName))],
      percentilesPerCall,
    )) {
      const command = new GetMetricStatisticsCommand({
        Namespace: namespace,
        MetricName,
        Dimensions,
        StartTime: window.StartTime,
        EndTime: window.EndTime,
        Period: window.seconds,
        ExtendedStatistics: [...ExtendedStatistics],
      });
      const response = await callAws("CloudWatch GetMetricStatistics", () => client.send(command));
      for (const [name, value] of Object.entries(response.Datapoints?.[0]?.ExtendedStatistics ?? {}))
        values.set(name, value);
    }
    return values;
  };

  /** Undefined where CloudWatch has no scores, or not yet their percentiles. */
  const readScores = async (
    percentiles: readonly number[],
    counts: { readonly negative: number; readonly other: number },
    Dimensions: Dimension[],
    window: ReturnType<typeof roundToMinutes>,
  ): Promise<Statistics["scores"]> => {
    const count = counts.negative + counts.other;
    if (count === 0) return undefined;
    const places = percentiles.map((percentile) => placePercentile(percentile, counts));
    const readPlaces = async (MetricName: string, isNegative: boolean) =>
      readPercentiles(
        MetricName,
        places.filter((place) => place.isNegative === isNegative).map(({ percentile }) => percentile),
        Dimensions,
        window,
      );
    const negative = await readPlaces(negativeScore, true);
    const other = await readPlaces(score, false);
    const values = places.flatMap(({ isNegative, percentile }) => {
      const value = (isNegative ? negative : other).get(toPercentileName(percentile));
      return value === undefined ? [] : [isNegative ? -value : value];
    });
    return values.length === percentiles.length ? { count, values } : undefined;
  };

  /** https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html */
  const hourlyCalls: Metrics["hourlyCalls"] = async ({ environment, model, to, hours }) => {
    const FunctionName = toFunctionName(environment, model);
    const from = to - hours * hourMs;
    const calls = new Array<number>(hours).fill(0);
    let NextToken: string | undefined;
    do {
      const command = new GetMetricDataCommand({
        MetricDataQueries: [
          {
            Id: "calls",
            MetricStat: {
              Metric: {
                Namespace: "AWS/Lambda",
                MetricName: "Invocations",
                Dimensions: toDimensions({ FunctionName, Resource: `${FunctionName}:live` }),
              },
              Period: hourMs / 1_000,
              Stat: "Sum",
            },
          },
        ],
        StartTime: new Date(from),
        EndTime: new Date(to),
        NextToken,
      });
      const response = await callAws("CloudWatch GetMetricData", () => client.send(command));
      for (const { Timestamps = [], Values = [] } of response.MetricDataResults ?? [])
        for (const [index, time] of Timestamps.entries()) {
          const hour = Math.floor((time.getTime() - from) / hourMs);
          if (hour in calls) calls[hour] = (calls[hour] ?? 0) + (Values[index] ?? 0);
        }
      NextToken = response.NextToken;
    } while (NextToken !== undefined);
    return calls;
  };

  return {
    hourlyCalls,

    request: ({ environment, model, version, at, latencyMs, failed, labels, scores = [] }) => {
      const values = [
        { name: "Requests", value: 1, unit: "Count" },
        { name: "Failures", value: failed ? 1 : 0, unit: "Count" },
        { name: "LatencyMs", value: latencyMs, unit: "Milliseconds" },
        ...[...labels].map(([label, rows]) => ({
          name: toRowsMetric(label),
          value: rows,
          unit: "Count",
        })),
        ...listScoreMetrics(scores).map(({ name, values: value }) => ({ name, value, unit: "None" })),
      ];
      const dimensions = { environment, model, version };
      for (const line of formatMetricLines({ namespace, at, dimensions, values })) emit(line);
    },

    count: emitCount(needs),

    statistics: async (window, { percentiles: wanted, labels: knownLabels = [], scorePercentiles }) => {
      const { environment, model, version } = window;
      const dimensions = toDimensions({ environment, model, version });
      const minutes = roundToMinutes(window);
      const labels = [...new Set([...knownLabels, ...(await readListedLabels(dimensions))])];
      const scoreNames = scorePercentiles ? [score, negativeScore] : [];
      const names = ["Requests", "Failures", ...scoreNames, ...labels.map(toRowsMetric)];
      const sums = await readSums(names, dimensions, minutes);
      const requests = sums.get("Requests") ?? 0;
      const percentiles = choosePercentiles(wanted, requests);
      const latencies =
        requests === 0
          ? new Map<string, number>()
          : await readPercentiles("LatencyMs", percentiles, dimensions, minutes);
      const scoreCounts = { negative: sums.get(negativeScore) ?? 0, other: sums.get(score) ?? 0 };
      return {
        requests,
        failures: sums.get("Failures") ?? 0,
        unreported: await readUnreported(window, minutes),
        labels: new Map(
          labels.flatMap((label): [string, number][] => {
            const rows = sums.get(toRowsMetric(label));
            return rows === undefined ? [] : [[label, rows]];
          }),
        ),
        latencyMs: percentiles.map((percentile) => latencies.get(toPercentileName(percentile))),
        scores: scorePercentiles && (await readScores(scorePercentiles, scoreCounts, dimensions, minutes)),
      };
    },
  };
};
