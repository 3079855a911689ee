import * as z from "zod";
import { hoursPerMonth, type PriceName } from "#domain/cost/prices.ts";
import type { CostLine } from "#domain/cost/sum-cost.ts";
import { listResources, type SynthesizedStacks } from "#test/infrastructure/synth-stacks.ts";
import { assumptions } from "./assumptions.ts";
import { countLambdaLogBytes, countLogBytes } from "./lambda-log-lines.ts";
import { findFunction } from "./list-idle-lines.ts";
import type { RequestMeasures } from "./measure-request.ts";

export type Traffic = {
  readonly requests: number;
  readonly perSecond: number;
  /** `key`: over the HTTP API, with an API key. `role`: an application in AWS invokes the alias. */
  readonly caller: "key" | "role";
};

const bytesPerGb = 1_000_000_000;
const daysPerMonth = hoursPerMonth / 24;

/** Lambda's sampling of its own: the first request of a second and 5 % of the rest. https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html */
const traceShare = (perSecond: number): number =>
  Math.min(1, (1 + 0.05 * Math.max(0, perSecond - 1)) / perSecond);

const AccessLog = z.looseObject({ access_log_settings: z.looseObject({ format: z.string() }) });
const Table = z.looseObject({
  point_in_time_recovery: z.looseObject({ enabled: z.boolean() }).optional(),
});

const accessLogSamples: Readonly<Record<string, string>> = {
  "$context.requestId": "JKJaXmPLvHcESHA=",
  "$context.requestTimeEpoch": "1795946400000",
  "$context.identity.userArn": "-",
  "$context.identity.sourceIp": "203.0.113.117",
  "$context.httpMethod": "POST",
  "$context.path": "/models/churn/v1/predict",
  "$context.status": "200",
  "$context.responseLength": "412",
  "$context.responseLatency": "24",
  "$context.integrationErrorMessage": "-",
};

/** The bytes of a line of prod's access log, by the format of its stack. */
const countAccessLogBytes = (written: SynthesizedStacks): number => {
  const [[, , stage] = []] = listResources(written, "aws_apigatewayv2_stage", ["serving-prod"]);
  const { format } = AccessLog.parse(stage).access_log_settings;
  const line = format.replace(/\$context\.[\w.]+/g, (name) => {
    const sample = accessLogSamples[name];
    if (sample === undefined)
      throw new RangeError(`the access log has ${name}: add a sample to list-prediction-lines.ts`);
    return sample;
  });
  return countLogBytes([`${line}\n`]);
};

const listAuthorizerLines = (
  written: SynthesizedStacks,
  measures: RequestMeasures,
  { requests, perSecond }: Traffic,
): readonly CostLine[] => {
  const authorizer = findFunction(written, "authorize-key", ["serving-prod"]);
  const { log_format, system_log_level } = authorizer.logging_config;
  const accessLog = countAccessLogBytes(written);
  const ownLog = countLambdaLogBytes(log_format, system_log_level);
  const line = (part: string, price: PriceName, each: number, basis: string): CostLine => ({
    part,
    price,
    amounts: { prod: requests * each },
    basis,
  });
  const gbSeconds = (assumptions.authorizerMilliseconds / 1_000) * (authorizer.memory_size / 1_024);
  return [
    line("HTTP API", "httpApiRequest", 1, "one request each"),
    line("access log", "logsGb", accessLog / bytesPerGb, `${accessLog} bytes each`),
    line("authorizer, requests", "lambdaRequest", 1, "one call each, never from a cache"),
    line(
      "authorizer, time",
      "lambdaArmGbSecond",
      gbSeconds,
      `${assumptions.authorizerMilliseconds} ms × ${authorizer.memory_size} MB`,
    ),
    line("the key's record", "tableRead", measures.authorizerReads, `${measures.authorizerReads} reads each`),
    line(
      "the key's rate",
      "tableWrite",
      measures.authorizerWrites,
      `${measures.authorizerWrites} write each`,
    ),
    line("authorizer, log", "logsGb", ownLog / bytesPerGb, `${ownLog} bytes each`),
    line(
      "authorizer, traces",
      "trace",
      authorizer.tracing_config.mode === "Active" ? traceShare(perSecond) : 0,
      "1 a second and 5 % of the rest",
    ),
  ];
};

/** What requests cost on prod, for one version of a classification model. */
export const listPredictionLines = (
  written: SynthesizedStacks,
  measures: RequestMeasures,
  traffic: Traffic,
): readonly CostLine[] => {
  const { requests, perSecond, caller } = traffic;
  const hours = Math.ceil(requests / perSecond / 3_600);
  const { architecture } = written.accounts.tooling.images;
  const gbSeconds = (assumptions.predictMilliseconds / 1_000) * (measures.memoryMb / 1_024);
  // The function that a delivery creates has Lambda's default: text.
  const lambdaLog = countLambdaLogBytes("Text", undefined);
  const recordGbMonths = (requests * measures.recordBytes * measures.ttlDays) / daysPerMonth / bytesPerGb;
  const [[, , table] = []] = listResources(written, "aws_dynamodb_table", ["serving-prod"]);
  const keepsBackups = Table.parse(table).point_in_time_recovery?.enabled === true;
  const line = (part: string, price: PriceName, amount: number, basis: string): CostLine => ({
    part,
    price,
    amounts: { prod: amount },
    basis,
  });
  const lines = [
    ...(caller === "key" ? listAuthorizerLines(written, measures, traffic) : []),
    line("model, requests", "lambdaRequest", requests, "one call each"),
    line(
      "model, time",
      architecture === "arm64" ? "lambdaArmGbSecond" : "lambdaX86GbSecond",
      requests * gbSeconds,
      `${assumptions.predictMilliseconds} ms × ${measures.memoryMb} MB`,
    ),
    line(
      "record, writes",
      "tableWrite",
      requests * measures.recordWrites,
      `${measures.recordWrites} of 1 KB each`,
    ),
    line(
      "record, storage",
      "tableGbMonth",
      recordGbMonths,
      `${measures.recordBytes} bytes each for ${measures.ttlDays} days`,
    ),
    ...(keepsBackups
      ? [line("record, backups", "tableBackupGbMonth", recordGbMonths, "the same bytes")]
      : []),
    line(
      "model, line of metrics",
      "logsGb",
      (requests * measures.metricsLineBytes) / bytesPerGb,
      `${measures.metricsLineBytes} bytes each`,
    ),
    line("model, Lambda's lines", "logsGb", (requests * lambdaLog) / bytesPerGb, `${lambdaLog} bytes each`),
    line(
      "custom metrics",
      "customMetricMonth",
      (measures.customMetrics * hours) / hoursPerMonth,
      `${measures.customMetrics} for ${hours} h`,
    ),
  ];
  return lines.filter(({ amounts }) => Object.values(amounts).some((amount) => amount > 0));
};
