import { RollBackFailed } from "#domain/delivery/errors.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { readCommittedGolden } from "#domain/delivery/read-committed-model.ts";
import {
  ensureDeployedVersion,
  type EnsureDeployedVersionDependencies as VersionNeeds,
} from "#domain/deployment/ensure-deployed-version.ts";
import { invokeModelInBatches } from "#domain/deployment/invoke-model.ts";
import { type AliasWriter, setLiveAlias } from "#domain/deployment/set-live-alias.ts";
import { verifyGoldenVectors } from "#domain/deployment/verify-golden-vectors.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { Environment } from "#platform/serving/serving.ts";

export type RestoreEnvironmentDependencies = VersionNeeds & { readonly warn: LogWarning };

/**
 * Restores a deployment of prod in an environment, reads the alias back and verifies the golden vectors through it.
 * Throws Superseded after a higher fence, and RollBackFailed where the restored version fails its golden vectors.
 * @param target undefined: nothing serves any more
 * @returns the function version that serves now
 */
export const restoreEnvironment =
  ({ serving, source, ledger, policy, provenance, warn }: RestoreEnvironmentDependencies) =>
  async (
    environment: Environment,
    writer: AliasWriter,
    target: Deployment | undefined,
  ): Promise<string | null> => {
    const here = serving[environment];
    const { model } = writer;
    if (!target) {
      await setLiveAlias(here)(writer, undefined);
      return null;
    }
    const golden = await readCommittedGolden({ source })(model, target.commit, { promoted: true });
    const version = await ensureDeployedVersion({ serving, source, ledger, policy, provenance })(
      environment,
      target,
      warn,
    );
    // Awake before it gets traffic: Lambda makes a version inactive after weeks without calls. An error here stops nothing,
    // because the former version is better than the one that is taken back; the golden vectors follow.
    await invokeModelInBatches(here)(model, { version }, golden.rows.slice(0, 1)).catch((error: unknown) =>
      warn(`${model} ${version} on ${environment} did not answer before it got its traffic`, error, {
        model,
      }),
    );
    await setLiveAlias(here)(writer, { version });
    const live = await here.live(model);
    if (live?.version !== version || live.canary)
      throw new RollBackFailed(
        `the alias of ${model} on ${environment} does not point to ${version} after the write`,
      );
    try {
      await verifyGoldenVectors(here)(model, "live", golden);
    } catch (error) {
      throw new RollBackFailed(
        `${model} was restored on ${environment} but failed its golden vectors: ${String(error)}`,
        {
          cause: error,
        },
      );
    }
    return version;
  };
