import type { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import { type ArtifactReference, ArtifactRefused } from "./artifacts.ts";
import { assertArtifactSize } from "./verify-artifact.ts";

export const createHostError = (host: string): ArtifactRefused =>
  new ArtifactRefused(
    `${host} is not an allowed host: ask the platform team to add it to artifacts.hosts in the policy.`,
  );

/** Throws ArtifactRefused and ArtifactTooLarge for what the rules alone rule out. */
export const assertArtifactAllowed = (
  reference: ArtifactReference,
  { buckets, hosts, maxBytes }: ArtifactRules,
): void => {
  if (reference.size !== undefined) assertArtifactSize(reference, reference.size, maxBytes);
  if (reference.kind === "lfs") return;
  const { protocol, host } = new URL(reference.uri);
  if (protocol === "s3:" && !buckets.includes(host))
    throw new ArtifactRefused(
      `${host} is not an allowed bucket: ask the platform team to add it to artifacts.buckets in the policy.`,
    );
  if (protocol === "https:" && !hosts.includes(host)) throw createHostError(host);
};
