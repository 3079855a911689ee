import { join } from "node:path";
import { readCommittedGolden } from "#domain/delivery/read-committed-model.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { type DataFolder, resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import type { ModelChange } from "#worlds/embedded/scenario/watched-repository.ts";
import { copyDataFolder, createKillPointRecorder, type KillPointRecorder } from "./kill-point-recorder.ts";
import { createSharedRuntime } from "./shared-runtime.ts";
import { decideAndWait, rehearsedModel, startTestRehearsal, toDeliveryName } from "./test-rehearsal.ts";

/**
 * A data folder with promoted first versions and a committed next version: each scenario and each restart
 * after a kill starts on a copy of it, so that hundreds of kills take minutes.
 */
export const prepareWorld = async (promoted: readonly ModelChange[], next: ModelChange | undefined) => {
  const folder = await createTemporaryFolder();
  const base = resolveDataFolder(join(folder.path, "base"));
  const shared = await createSharedRuntime(join(folder.path, "machine"), base.repository);
  const close = async () => {
    await shared.stop();
    await folder.remove();
  };
  try {
    const rehearsal = await startTestRehearsal({ folder: base, machine: shared.machine });
    try {
      await rehearsal.begin();
      const commit = async (change: ModelChange) =>
        (await rehearsal.repository.commitChange(rehearsedModel, change)) ?? "";
      for (const change of promoted) {
        const delivery = toDeliveryName(await commit(change));
        await rehearsal.look();
        await decideAndWait(rehearsal, delivery);
        const outcome = (await rehearsal.world.outcomes.read(delivery))?.outcome;
        if (outcome !== "promoted") throw new Error(`the ${change} version ended as ${outcome}`);
      }
      // Committed once for all scenarios. Each scenario detects it itself, so this rehearsal's watcher is closed first.
      const head = (await rehearsal.repository.head()) ?? "";
      await rehearsal.stop();
      const newest = next === undefined ? head : await commit(next);
      const golden = await readCommittedGolden(rehearsal.world)(rehearsedModel, newest);
      let stories = 0;
      return {
        machine: shared.machine,
        commit: newest,
        delivery: toDeliveryName(newest),
        row: golden.rows[0],
        /** A copy for one scenario, and the recorder of its kill points. */
        story: (from: DataFolder = base): { folder: DataFolder; recorder: KillPointRecorder } => {
          const root = join(folder.path, `story-${++stories}`);
          const copy = copyDataFolder(from, root);
          return { folder: copy, recorder: createKillPointRecorder(copy, join(root, "points")) };
        },
        close,
      };
    } catch (error) {
      await rehearsal.stop();
      throw error;
    }
  } catch (error) {
    await close();
    throw error;
  }
};
export type PreparedWorld = Awaited<ReturnType<typeof prepareWorld>>;
