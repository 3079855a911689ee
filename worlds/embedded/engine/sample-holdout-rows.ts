import { readCommittedRows } from "#domain/delivery/read-committed-model.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import type { World } from "#worlds/embedded/world.ts";

/** Enough for the application, and few enough to send between threads. */
const maxSampledRows = 1_000;

/**
 * Holdout rows of the version on prod (golden rows where it has none), spread over the file because it may be sorted by label; empty: prod serves no
 * version.
 */
export const sampleHoldoutRows =
  ({ ledger, source }: Pick<World, "ledger" | "source">) =>
  async (model: string): Promise<readonly Row[]> => {
    const promoted = await ledger.serving("prod", model);
    if (!promoted) return [];
    const { commit } = promoted;
    const rows = await readCommittedRows({ source })(model, commit, { promoted: true });
    const step = Math.max(1, rows.length / maxSampledRows);
    return Array.from(
      { length: Math.min(rows.length, maxSampledRows) },
      (_, at) => rows[Math.floor(at * step)] ?? {},
    );
  };
