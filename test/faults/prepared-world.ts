import { join } from "node:path";
import { committedModel } from "#domain/delivery/committed-model.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";
import { type DataFolder, dataFolder } from "#worlds/embedded/data/data-folder.ts";
import type { Change } from "#worlds/embedded/scenario/watched-repository.ts";
import { copyOf, type KillPoints, killPoints } from "./kill-points.ts";
import { answerAndWait, deliveryOf, model, rehearse } from "./killed-rehearsal.ts";
import { sharedMachine } from "./shared-machine.ts";

/**
 * A data folder whose first versions are promoted and whose next one is committed: each story begins on a copy of it,
 * and so does each restart after a kill, which is what lets hundreds of kills fit into minutes.
 */
export const preparedWorld = async (promoted: readonly Change[], next: Change | undefined) => {
  const folder = await temporaryFolder();
  const base = dataFolder(join(folder.path, "base"));
  const shared = await sharedMachine(join(folder.path, "machine"), base.repository);
  const close = async () => {
    await shared.stop();
    await folder.remove();
  };
  try {
    const rehearsal = await rehearse({ folder: base, machine: shared.machine });
    try {
      await rehearsal.begin();
      const commit = async (change: Change) => (await rehearsal.repository.commitChange(model, change)) ?? "";
      for (const change of promoted) {
        const delivery = deliveryOf(await commit(change));
        await rehearsal.look();
        await answerAndWait(rehearsal, delivery);
        const outcome = (await rehearsal.world.outcomes.read(delivery))?.outcome;
        if (outcome !== "promoted") throw new Error(`the ${change} version ended as ${outcome}`);
      }
      // Committed once for all stories. The look at it is each story's own: this rehearsal's watcher is closed first.
      const known = (await rehearsal.repository.head()) ?? "";
      await rehearsal.stop();
      const newest = next === undefined ? known : await commit(next);
      const { golden } = await committedModel(rehearsal.world)(model, newest);
      let stories = 0;
      return {
        machine: shared.machine,
        commit: newest,
        delivery: deliveryOf(newest),
        row: golden.rows[0],
        /** A copy to play a story on, and the recorder of its kill points. */
        story: (from: DataFolder = base): { folder: DataFolder; recorder: KillPoints } => {
          const root = join(folder.path, `story-${++stories}`);
          const copy = copyOf(from, root);
          return { folder: copy, recorder: killPoints(copy, join(root, "points")) };
        },
        close,
      };
    } catch (fault) {
      await rehearsal.stop();
      throw fault;
    }
  } catch (fault) {
    await close();
    throw fault;
  }
};
export type PreparedWorld = Awaited<ReturnType<typeof preparedWorld>>;
