import { expiryMarginSeconds } from "#domain/approval/expiry-margin-seconds.ts";
import { checkTraffic } from "#domain/canary/check-traffic.ts";
import type { Claims } from "#domain/claims/claims.ts";
import {
  loadRules,
  readCommittedGolden,
  readCommittedHoldout,
} from "#domain/delivery/read-committed-model.ts";
import { invokeModel, invokeModelInBatches, RowsRefused } from "#domain/deployment/invoke-model.ts";
import { checkGolden } from "#domain/gates/check-golden.ts";
import { checkHoldout, checkMissingHoldout } from "#domain/gates/check-holdout.ts";
import { checkImageSize, toMegabytes } from "#domain/gates/check-image-size.ts";
import { checkLatency } from "#domain/gates/check-latency.ts";
import { checkSchema } from "#domain/gates/check-schema.ts";
import { checkSmoke } from "#domain/gates/check-smoke.ts";
import { compareCheck, compareLatency } from "#domain/gates/compare-latency.ts";
import { compareScores } from "#domain/gates/compare-scores.ts";
import { type Comparison, coldStartName } from "#domain/gates/comparison.ts";
import { createScoreMetrics } from "#domain/gates/create-score-metrics.ts";
import { roundToDigits } from "#domain/gates/number-format.ts";
import { combineVerdicts } from "#domain/gates/verdict.ts";
import type { Deployment, Ledger } from "#domain/ledger/ledger.ts";
import { holdoutFile } from "#domain/policy/describe-changed-files.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import { listGatedScores } from "#model-folder/manifest/list-measurable-scores.ts";
import { durationToSeconds, type Prediction, type Row } from "#model-folder/manifest/manifest.ts";
import { ImageNotFound, type Images } from "#platform/images/images.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { type FunctionVersion, NotServed, type Serving } from "#platform/serving/serving.ts";
import type { Source } from "#platform/source/source.ts";
import type { VerifyModelInput, VerifyModelOutput } from "#statemachine/contracts.ts";

type VerifyModelDependencies = {
  readonly serving: { readonly stage: Serving };
  readonly images: Pick<Images, "describe">;
  readonly source: Source;
  readonly policy: Pick<PlatformPolicy, "read">;
  readonly ledger: Ledger;
  readonly claims: Claims;
  /** What prod's functions measured. */
  readonly metrics: Pick<Metrics, "statistics">;
  readonly clock: () => number;
};

/** Prod's traffic of a week, with its nights and its weekend. */
const trafficWindowMs = 7 * 86_400_000;

/** With 200 single-row requests the 95th percentile is the tenth slowest. */
const latencySamples = 200;

/**
 * Measures the model on stage: smoke, golden vectors, holdout metrics against the minimum and the champion, latency,
 * image size, input schema; and whether prod's traffic is enough for the canary. A failed gate is a verdict; the step throws only where it could not measure.
 */
export const verifyModel =
  ({ serving, images, source, policy, ledger, claims, metrics, clock }: VerifyModelDependencies) =>
  async ({ model, commit, fence, digest, functionVersion }: VerifyModelInput): Promise<VerifyModelOutput> => {
    const stage = serving.stage;
    const challenger = { version: functionVersion };
    const served = await ledger.serving("prod", model);
    const {
      challenger: manifest,
      champion,
      rules,
    } = await loadRules({ source, policy })(model, commit, served?.commit);
    const golden = await readCommittedGolden({ source })(model, commit, { manifest });

    const smoke = await runSmokeCheck(stage, model, functionVersion, golden.rows);
    const checks = [smoke.check];
    const omitted: { name: string; why: string }[] = [];
    const comparisons: Comparison[] = [];
    if (smoke.check.verdict === "pass") {
      checks.push(
        checkGolden({
          golden,
          predictions: await invokeModelInBatches(stage)(model, challenger, golden.rows),
        }),
      );
      const holdout = await readCommittedHoldout({ source })(model, commit, { manifest });
      // Without truth the latency is measured with the golden rows.
      const rows = holdout?.rows ?? golden.rows;
      const onStage = await findChampionOnStage({ stage, ledger }, model, served);
      const predicted = await predictWithChampion(stage, model, onStage, rows);
      if (holdout) {
        const scored = {
          gates: rules.gates,
          metrics: createScoreMetrics(manifest, holdout),
          challenger: await invokeModelInBatches(stage)(model, challenger, rows),
        };
        const results = checkHoldout({ ...scored, rows: rows.length, champion: predicted });
        checks.push(...results.checks);
        omitted.push(...results.omitted);
        comparisons.push(
          ...compareScores({
            ...scored,
            champion: "absent" in predicted ? undefined : predicted,
            checks: results.checks,
          }),
        );
      } else {
        const results = checkMissingHoldout({
          gates: rules.gates,
          gated: listGatedScores(champion ?? manifest),
          championHasHoldout:
            served !== undefined && (await source.modelFileIds(model, served.commit)).has(holdoutFile),
        });
        checks.push(...results.checks);
        omitted.push(...results.omitted);
      }
      const latencies = await measureLatencies(stage, model, rows, {
        challenger,
        // Its predictions were refused, or are not comparable: its latency is not either.
        champion: "absent" in onStage || "absent" in predicted ? undefined : onStage,
      });
      const latency = checkLatency({
        latenciesMs: latencies.challenger,
        coldStartMs: smoke.initMs,
        limit: rules.gates.latencyP95Ms,
      });
      checks.push(latency);
      comparisons.push(
        ...compareLatency({
          challenger: { latenciesMs: latencies.challenger, memoryMb: rules.resources.memoryMb },
          champion:
            latencies.champion && "config" in onStage
              ? { latenciesMs: latencies.champion, memoryMb: onStage.config.memoryMb }
              : undefined,
          check: latency,
        }),
      );
      if (smoke.initMs !== undefined) comparisons.push(describeColdStart(smoke.initMs));
    }
    const image = await images.describe(digest);
    if (!image) throw new ImageNotFound(`the image ${digest} is no longer in the repository`);
    const imageSize = checkImageSize({ sizeBytes: image.sizeBytes, limitMb: rules.gates.imageSizeMb });
    checks.push(imageSize);
    const championImage = served && (await images.describe(served.digest));
    comparisons.push(compareCheck(imageSize, championImage ? toMegabytes(championImage.sizeBytes) : null));
    const schema = checkSchema({ champion, challenger: manifest });
    comparisons.push(
      ...schema.checks.map((check) => compareCheck({ ...check, name: check.unit, unit: "" }, null)),
    );
    const traffic = checkTraffic({
      rule: rules.canary,
      limits: rules.canaryLimits,
      // What is only an estimate fails no delivery: nothing else here needs prod's account.
      recorded:
        served && (await countProdRequests(metrics, served, clock()).catch(() => "unreadable" as const)),
    });
    for (const results of [schema, traffic]) {
      checks.push(...results.checks);
      omitted.push(...results.omitted);
    }

    // Another delivery may have taken stage in the meantime and changed what was measured.
    await claims.assertHeld("stage", model, fence);
    const failed = checks.filter(({ verdict }) => verdict === "fail");
    return {
      verdict: combineVerdicts(checks),
      error:
        failed.length === 0
          ? null
          : {
              name: failed.some(({ name }) => name === "golden vectors")
                ? "GoldenVectorsDiffer"
                : "GateFailed",
              cause: failed.map(({ name, detail }) => `${name}: ${detail}`).join("; "),
            },
      baseline: served?.sequence ?? 0,
      checks,
      omitted,
      comparisons,
      approvalTimeoutSeconds: durationToSeconds(rules.approval.timeout) + expiryMarginSeconds,
    };
  };

/** The requests that prod sent to the champion since its promotion, at most of the last week. */
const countProdRequests = async (
  metrics: Pick<Metrics, "statistics">,
  { model, functionVersion, promotedAt, startedAt }: Deployment,
  now: number,
) => {
  const from = Math.max(now - trafficWindowMs, promotedAt ?? startedAt);
  // Also after a clock that was set back: an empty window has no estimate.
  const to = Math.max(now, from);
  const window = { environment: "prod", model, version: functionVersion, from, to } as const;
  const { requests, unreported } = await metrics.statistics(window, { percentiles: [] });
  return { requests: requests + unreported, from, to };
};

/** The version's first request, so it includes the cold start. */
const runSmokeCheck = async (stage: Serving, model: string, version: string, rows: readonly Row[]) => {
  try {
    const { initMs } = await invokeModel(stage)(model, { version }, rows.slice(0, 1));
    return { check: checkSmoke({ requests: 1, answered: 1 }), initMs };
  } catch (error) {
    if (!(error instanceof RowsRefused)) throw error;
    return { check: checkSmoke({ requests: 1, answered: 0, problem: error.message }), initMs: undefined };
  }
};

/** The champion's version on stage, where it is measured: a verification puts no load on prod. */
const findChampionOnStage = async (
  { stage, ledger }: { stage: Serving; ledger: Ledger },
  model: string,
  champion: Deployment | undefined,
): Promise<FunctionVersion | { readonly absent: string }> => {
  if (!champion) return { absent: "no champion yet" };
  const onStage = await ledger.ofImage("stage", model, champion.digest, champion.version);
  if (!onStage) return { absent: "the champion was never deployed to stage" };
  const served = await stage.version(model, onStage.functionVersion);
  return served?.config.digest === champion.digest
    ? served
    : { absent: "the champion's version is no longer on stage" };
};

const predictWithChampion = async (
  stage: Serving,
  model: string,
  champion: Awaited<ReturnType<typeof findChampionOnStage>>,
  rows: readonly Row[],
): Promise<readonly Prediction[] | { readonly absent: string }> => {
  if ("absent" in champion) return champion;
  try {
    return await invokeModelInBatches(stage)(model, { version: champion.version }, rows);
  } catch (error) {
    if (error instanceof RowsRefused) return { absent: `the champion refuses these rows: ${error.message}` };
    if (error instanceof NotServed) return { absent: "the champion's version is no longer on stage" };
    throw error;
  }
};

/** Requests of one row each, the two versions in turns, so that a busy moment slows both; milliseconds. */
const measureLatencies = async (
  stage: Serving,
  model: string,
  rows: readonly Row[],
  versions: { readonly challenger: { version: string }; readonly champion: { version: string } | undefined },
): Promise<{ readonly challenger: readonly number[]; readonly champion: readonly number[] | undefined }> => {
  const challenger: number[] = [];
  const champion: number[] = [];
  const time = async ({ version }: { version: string }, row: Row) =>
    (await invokeModel(stage)(model, { version }, [row])).durationMs;
  for (let sample = 0; sample < latencySamples; sample++) {
    const row = rows[sample % rows.length];
    if (!row) continue;
    challenger.push(await time(versions.challenger, row));
    if (versions.champion) champion.push(await time(versions.champion, row));
  }
  return { challenger, champion: versions.champion && champion };
};

const describeColdStart = (initMs: number): Comparison => ({
  name: coldStartName,
  unit: "ms",
  champion: null,
  challenger: roundToDigits(initMs, 3),
  interval: null,
  limit: "",
  verdict: null,
});
