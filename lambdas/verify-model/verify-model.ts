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
import { checkImageSize } from "#domain/gates/check-image-size.ts";
import { checkLatency } from "#domain/gates/check-latency.ts";
import { checkSchema } from "#domain/gates/check-schema.ts";
import { checkSmoke } from "#domain/gates/check-smoke.ts";
import { createScoreMetrics } from "#domain/gates/create-score-metrics.ts";
import { combineVerdicts } from "#domain/gates/verdict.ts";
import type { Deployment, Ledger } from "#domain/ledger/ledger.ts";
import { holdoutFile } from "#domain/policy/describe-changed-files.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import { listGatedScores } from "#model-folder/manifest/list-measurable-scores.ts";
import { durationToSeconds, type Prediction, type Row } from "#model-folder/manifest/manifest.ts";
import { ImageNotFound, type Images } from "#platform/images/images.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { NotServed, type Serving } from "#platform/serving/serving.ts";
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
      const results = holdout
        ? checkHoldout({
            gates: rules.gates,
            metrics: createScoreMetrics(manifest, holdout),
            rows: rows.length,
            challenger: await invokeModelInBatches(stage)(model, challenger, rows),
            champion: await predictWithChampion({ stage, ledger }, model, served, rows),
          })
        : checkMissingHoldout({
            gates: rules.gates,
            gated: listGatedScores(champion ?? manifest),
            championHasHoldout:
              served !== undefined && (await source.modelFileIds(model, served.commit)).has(holdoutFile),
          });
      checks.push(...results.checks);
      omitted.push(...results.omitted);
      const latenciesMs: number[] = [];
      for (let sample = 0; sample < latencySamples; sample++) {
        const row = rows[sample % rows.length];
        if (row) latenciesMs.push((await invokeModel(stage)(model, challenger, [row])).durationMs);
      }
      checks.push(checkLatency({ latenciesMs, coldStartMs: smoke.initMs, limit: rules.gates.latencyP95Ms }));
    }
    const image = await images.describe(digest);
    if (!image) throw new ImageNotFound(`the image ${digest} is no longer in the repository`);
    checks.push(checkImageSize({ sizeBytes: image.sizeBytes, limitMb: rules.gates.imageSizeMb }));
    const schema = checkSchema({ champion, challenger: manifest });
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
      approvalTimeoutSeconds: durationToSeconds(rules.approval.timeout),
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

/** The champion predicts on stage, so that a verification puts no load on prod. */
const predictWithChampion = async (
  { stage, ledger }: { stage: Serving; ledger: Ledger },
  model: string,
  champion: Deployment | undefined,
  rows: readonly Row[],
): Promise<readonly Prediction[] | { absent: string }> => {
  if (!champion) return { absent: "no champion yet" };
  const onStage = await ledger.ofImage("stage", model, champion.digest, champion.version);
  if (!onStage) return { absent: "the champion was never deployed to stage" };
  if ((await stage.version(model, onStage.functionVersion))?.config.digest !== champion.digest)
    return { absent: "the champion's version is no longer on stage" };
  try {
    return await invokeModelInBatches(stage)(model, { version: onStage.functionVersion }, rows);
  } catch (error) {
    if (error instanceof RowsRefused) return { absent: `the champion refuses these rows: ${error.message}` };
    if (error instanceof NotServed) return { absent: "the champion's version is no longer on stage" };
    throw error;
  }
};
