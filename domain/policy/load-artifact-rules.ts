import { readCommittedPolicy } from "#domain/delivery/read-committed-model.ts";
import type { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import type { Source } from "#platform/source/source.ts";

/**
 * Where the artefact of a commit may be: what the platform allows, and what the commit's policy.yaml allows too. So a
 * commit only ever takes addresses away. Throws PolicyInvalid.
 */
export const loadArtifactRules =
  (needs: { readonly source: Source; readonly platform: () => Promise<ArtifactRules> }) =>
  async (commit: string): Promise<ArtifactRules> => {
    const platform = await needs.platform();
    const committed = (await readCommittedPolicy(needs)(commit))?.artifacts;
    if (committed === undefined) return platform;
    return {
      buckets: platform.buckets.filter((bucket) => committed.buckets.includes(bucket)),
      hosts: platform.hosts.filter((host) => committed.hosts.includes(host)),
      maxBytes: Math.min(platform.maxBytes, committed.maxBytes),
    };
  };
