import { RollBackFailed } from "#domain/delivery/errors.ts";
import { readCommittedGolden } from "#domain/delivery/read-committed-model.ts";
import type { Warn } from "#domain/delivery/warn.ts";
import {
  ensureDeployedVersion,
  type EnsureDeployedVersionDependencies as VersionNeeds,
} from "#domain/deployment/ensure-deployed-version.ts";
import { type AliasWriter, setLiveAlias } from "#domain/deployment/set-live-alias.ts";
import { verifyGoldenVectors } from "#domain/deployment/verify-golden-vectors.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { Environment } from "#platform/serving/serving.ts";

export type RestoreEnvironmentDependencies = VersionNeeds & { readonly warn: Warn };

/**
 * Puts an environment back to a deployment of prod's ledger (`undefined`: nobody is served), reads the alias back and
 * has the golden vectors answered through it. Returns the function version that serves now.
 * Throws Superseded under a higher fence, RollBackFailed when what was put back does not prove itself.
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
    await setLiveAlias(here)(writer, { version });
    const live = await here.live(model);
    if (live?.version !== version || live.canary)
      throw new RollBackFailed(`the alias of ${model} on ${environment} does not read back as ${version}`);
    try {
      await verifyGoldenVectors(here)(model, "live", golden);
    } catch (fault) {
      throw new RollBackFailed(
        `${model} was put back on ${environment} but does not prove itself: ${String(fault)}`,
        {
          cause: fault,
        },
      );
    }
    return version;
  };
