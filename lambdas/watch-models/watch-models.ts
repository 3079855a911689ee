import * as z from "zod";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import { listRollbackWindow } from "#domain/ledger/list-rollback-window.ts";
import { type Metrics, metricNames } from "#platform/metrics/metrics.ts";
import { type Environment, environments, type Serving, type WakeResult } from "#platform/serving/serving.ts";

type WatchModelsDependencies = {
  readonly serving: Readonly<Record<Environment, Pick<Serving, "models" | "wake">>>;
  readonly ledger: Ledger;
  readonly metrics: Pick<Metrics, "count">;
  readonly warn: LogWarning;
};

/** `wake`, weekly: calls the versions that must stay ready. */
const WatchModelsEvent = z.object({ task: z.literal("wake") });

type WatchedVersion = {
  readonly environment: Environment;
  readonly model: string;
  readonly version: string;
  readonly result: WakeResult | "failed";
};
type WatchModelsOutput = { readonly woken: readonly WatchedVersion[] };

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
  const { serving, ledger, metrics, warn } = needs;
  const woken: WatchedVersion[] = [];
  let failures = 0;
  const attempt = async <T>(what: string, work: () => Promise<T>, model?: string) =>
    work().catch((error: unknown) => {
      failures++;
      warn(`${what} could not be woken; next week's call tries again`, error, model ? { model } : {});
      return undefined;
    });
  // Only prod's list, because what it serves decides for both.
  for (const model of (await attempt("prod's models", () => serving.prod.models())) ?? [])
    for (const environment of environments) {
      const versions = await attempt(model, () => listVersions(ledger, environment, model), model);
      for (const version of versions ?? []) {
        const what = `version ${version} of ${model} on ${environment}`;
        const result = await attempt(what, () => serving[environment].wake(model, version), model);
        woken.push({ environment, model, version, result: result ?? "failed" });
      }
    }
  const name = metricNames.deliveries.versionsNotWoken;
  metrics.count({ name, value: failures, unit: "Count", dimensions: {} });
  return woken;
};

/** What nobody delivers at the moment but must keep working. Runs on a schedule, outside the state machine. */
export const watchModels =
  (needs: WatchModelsDependencies) =>
  async (event: unknown): Promise<WatchModelsOutput> => {
    WatchModelsEvent.parse(event);
    return { woken: await wakeVersions(needs) };
  };
