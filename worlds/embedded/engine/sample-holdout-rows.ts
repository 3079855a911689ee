import { readCommittedHoldout } from "#domain/delivery/read-committed-model.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import type { World } from "#worlds/embedded/world.ts";

/** As many as an application needs to ask, and few enough to hand over. */
const maxSampledRows = 1_000;

/** Holdout rows of the version that prod serves, from all over the file: it may be sorted by label. None: it serves none. */
export const sampleHoldoutRows =
  ({ ledger, source }: Pick<World, "ledger" | "source">) =>
  async (model: string): Promise<readonly Row[]> => {
    const promoted = await ledger.serving("prod", model);
    if (!promoted) return [];
    const { commit } = promoted;
    const { rows } = await readCommittedHoldout({ source })(model, commit, { promoted: true });
    const step = Math.max(1, rows.length / maxSampledRows);
    return Array.from(
      { length: Math.min(rows.length, maxSampledRows) },
      (_, at) => rows[Math.floor(at * step)] ?? {},
    );
  };
