import * as z from "zod";
import type { Claims } from "#domain/claims/claims.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import { listRollbackWindow } from "#domain/ledger/list-rollback-window.ts";
import { findSilence, historyHours } from "#domain/traffic/find-silence.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { hourMs, type Metrics, metricNames } from "#platform/metrics/metrics.ts";
import {
  type Environment,
  environments,
  type VersionUpkeep,
  type WakeResult,
} from "#platform/serving/serving.ts";

type WatchModelsDependencies = {
  readonly upkeep: Readonly<Record<Environment, VersionUpkeep>>;
  readonly ledger: Ledger;
  readonly claims: Pick<Claims, "read">;
  readonly metrics: Pick<Metrics, "count">;
  /** What the models on prod measured. */
  readonly traffic: Pick<Metrics, "hourlyCalls">;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly warn: LogWarning;
};

/** `wake`, weekly: calls the versions that must stay ready, and deletes the snapshots of others. `find-silence`, hourly: finds models without their usual calls. */
const WatchModelsEvent = z.object({ task: z.enum(["wake", "find-silence"]) });

type WatchedVersion = {
  readonly environment: Environment;
  readonly model: string;
  readonly version: string;
  readonly result: WakeResult | "failed";
};
type WatchModelsOutput =
  | { readonly woken: readonly WatchedVersion[] }
  /** Names of models. */
  | { readonly silent: readonly string[] };

/** The functions of the model's champion and of what a rollback may restore, in one environment. */
const listVersions = async (ledger: Ledger, environment: Environment, model: string) => {
  const deployments = await listRollbackWindow(ledger)(model);
  const versions = deployments.map(async ({ digest, version, functionVersion }) =>
    environment === "prod"
      ? functionVersion
      : (await ledger.ofImage(environment, model, digest, version))?.functionVersion,
  );
  return [...new Set((await Promise.all(versions)).filter((version) => version !== undefined))];
};

/**
 * Calls champions and the versions in the rollback window, one after the other: all at once would take the concurrency of a
 * small account. An error is counted and stops nothing.
 */
const wakeVersions = async (needs: WatchModelsDependencies): Promise<readonly WatchedVersion[]> => {
  const { upkeep, ledger, metrics, warn } = needs;
  const woken: WatchedVersion[] = [];
  let failures = 0;
  const attempt = async <T>(what: string, work: () => Promise<T>, model?: string) =>
    work().catch((error: unknown) => {
      failures++;
      warn(`${what} could not be looked after; next week's call tries again`, error, model ? { model } : {});
      return undefined;
    });
  // Only prod's list, because what it serves decides for both.
  for (const model of (await attempt("prod's models", () => upkeep.prod.models())) ?? [])
    for (const environment of environments) {
      const versions = await attempt(model, () => listVersions(ledger, environment, model), model);
      for (const version of versions ?? []) {
        const what = `version ${version} of ${model} on ${environment}`;
        const result = await attempt(what, () => upkeep[environment].wake(model, version), model);
        woken.push({ environment, model, version, result: result ?? "failed" });
      }
      // A delivery may route an older version again; the next week deletes what it leaves.
      const deleteSnapshots = async (kept: readonly string[]) =>
        (await needs.claims.read(environment, model))?.holder
          ? []
          : upkeep[environment].deleteSnapshots(model, kept);
      if (versions !== undefined && versions.length > 0)
        await attempt(`the snapshots of ${model} on ${environment}`, () => deleteSnapshots(versions), model);
    }
  const name = metricNames.deliveries.versionsNotWoken;
  metrics.count({ name, value: failures, unit: "Count", dimensions: {} });
  return woken;
};

/** A model on prod has lost its traffic. Only logged: it ends nothing. */
class ModelSilent extends SlipwayError {
  override readonly name = "ModelSilent";
  override readonly retryable = false;
}

/** The service counts a call up to some minutes later. */
const countingDelayMs = 10 * 60_000;

/**
 * Finds models on prod whose usual calls do not come any more: their callers, the route to them or their functions are
 * broken, and no metric of theirs can say so. Retired models are not on prod.
 */
const findSilentModels = async (needs: WatchModelsDependencies): Promise<readonly string[]> => {
  const { upkeep, ledger, traffic, metrics, clock, warn } = needs;
  const to = Math.floor((clock() - countingDelayMs) / hourMs) * hourMs;
  const silent: string[] = [];
  const findIn = async (model: string): Promise<void> => {
    if (!(await ledger.serving("prod", model))) return;
    const query = { environment: "prod", model, to, hours: historyHours } as const;
    const silence = findSilence(await traffic.hourlyCalls(query));
    if (!silence) return;
    silent.push(model);
    const { hours, expectedCalls } = silence;
    const error = new ModelSilent(
      `prod had no call of ${model} in ${hours} h, and ${expectedCalls} calls in the same hours before. Ask its callers, and call it: slipway predict ${model}`,
    );
    warn(`${model} is silent`, error, { model });
  };
  for (const model of await upkeep.prod.models())
    await findIn(model).catch((error: unknown) =>
      warn(`the calls of ${model} could not be counted; the next hour tries again`, error, { model }),
    );
  const name = metricNames.deliveries.silentModels;
  metrics.count({ name, value: silent.length, unit: "Count", dimensions: {} });
  return silent;
};

/** What nobody delivers at the moment but must keep working. Runs on a schedule, outside the state machine. */
export const watchModels =
  (needs: WatchModelsDependencies) =>
  async (event: unknown): Promise<WatchModelsOutput> => {
    const { task } = WatchModelsEvent.parse(event);
    switch (task) {
      case "wake":
        return { woken: await wakeVersions(needs) };
      case "find-silence":
        return { silent: await findSilentModels(needs) };
      default:
        return task satisfies never;
    }
  };
