import { ContractBroken } from "#domain/delivery/errors.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { Images } from "#platform/images/images.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { MoveChampionInput, MoveChampionOutput } from "#statemachine/contracts.ts";

type MoveChampionDependencies = {
  readonly registry: Registry;
  readonly images: Pick<Images, "release">;
  readonly ledger: Ledger;
};

/** Contains the digest, so that a registry that starts its numbers again never needs a tag that exists. */
const formatReleaseTag = (model: string, version: number, digest: string): string =>
  `release-${model}-${version}-${digest.slice("sha256:".length, "sha256:".length + 12)}`;

/**
 * Copies a promotion from the ledger to the registry: the image's tag keeps it for rollbacks, a tag of the version
 * names its approvers, champion is the version that serves prod, previous_champion the one before. Runs after the
 * commit point; the sweep repeats it after a failure.
 */
export const moveChampion =
  ({ registry, images, ledger }: MoveChampionDependencies) =>
  async ({ model }: MoveChampionInput): Promise<MoveChampionOutput> => {
    const serving = await ledger.serving("prod", model);
    if (!serving) throw new ContractBroken(`prod serves no version of ${model}`);
    await images.release(serving.digest, formatReleaseTag(model, serving.version, serving.digest));
    const previous = serving.previous ? await ledger.at("prod", model, serving.previous) : undefined;
    // A rollback has no new approval: the version keeps the approvers of its promotion.
    if (serving.approvedBy.length > 0)
      await registry.setTags(model, serving.version, { approved_by: serving.approvedBy.join(" ") });
    await registry.setAlias(model, "champion", serving.version);
    await registry.setAlias(model, "previous_champion", previous?.version);
    const challenger = await registry.byAlias(model, "challenger");
    if (challenger?.version === serving.version) await registry.setAlias(model, "challenger", undefined);
    await ledger.change(serving, (current) =>
      current.championMoved ? undefined : { ...current, championMoved: true },
    );
    return { champion: serving.version, previous: previous?.version ?? null };
  };
