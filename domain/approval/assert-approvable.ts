import { type LoadRulesDependencies, readCommittedPolicy } from "#domain/delivery/read-committed-model.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import { computeRulesInForce } from "#domain/policy/rules-in-force.ts";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import type { ResolveApprovers } from "./resolve-approvers.ts";

type AssertApprovableDependencies = LoadRulesDependencies & {
  readonly ledger: Pick<Ledger, "serving">;
  readonly approversFor: ResolveApprovers;
};

/**
 * Stops a delivery that no one can approve, before it builds anything. Throws QuorumOutOfReach, and ManifestInvalid or
 * PolicyInvalid for files that are not readable.
 */
export const assertApprovable =
  ({ source, policy, ledger, approversFor }: AssertApprovableDependencies) =>
  async (change: {
    readonly delivery: string;
    readonly model: string;
    readonly commit: string;
    readonly pusher: string | null;
  }): Promise<void> => {
    const { model, commit } = change;
    const loadManifest = async (at: string, { promoted }: { promoted: boolean }): Promise<Manifest> => {
      const bytes = await source.file(`models/${model}/model.yaml`, at);
      if (bytes) return readManifest(bytes, { promoted });
      const message = `models/${model}/model.yaml is not there at ${at.slice(0, 12)}`;
      throw new ManifestInvalid([
        { severity: "error", file: "model.yaml", path: "", message, remedy: "Commit it." },
      ]);
    };
    const served = (await ledger.serving("prod", model))?.commit;
    const { approval } = computeRulesInForce({
      platform: (await policy.read()).floor,
      committed: await readCommittedPolicy({ source })(commit),
      // A limit that is newer than the champion would otherwise refuse every commit, even the one that fixes it.
      champion: served === undefined ? undefined : await loadManifest(served, { promoted: true }),
      challenger: await loadManifest(commit, { promoted: false }),
    });
    await approversFor({ ...change, rule: approval });
  };
export type AssertApprovable = ReturnType<typeof assertApprovable>;
