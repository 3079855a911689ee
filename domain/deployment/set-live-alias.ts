import { Superseded } from "#domain/delivery/errors.ts";
import { type LiveAlias, RevisionConflict, type Serving } from "#platform/serving/serving.ts";

export type AliasWriter = { readonly model: string; readonly delivery: string; readonly fence: number };
type AliasTarget = Pick<LiveAlias, "version" | "canary">;

/** The fence in the alias's description; 0: none. */
export const readFence = (alias: LiveAlias | undefined): number =>
  Number(alias?.description.match(/fence=(\d+)/)?.[1] ?? 0);

const pointsTo = (alias: AliasTarget, target: AliasTarget) =>
  alias.version === target.version &&
  alias.canary?.version === target.canary?.version &&
  alias.canary?.weight === target.canary?.weight;

/** After so many lost races the state machine retries the step. */
const maxAttempts = 5;

/**
 * Points the alias `live` to a target under a fence. The write expects the revision that was just read, so the fence check
 * also holds for the write. Throws Superseded where a higher fence has written.
 * @param target undefined removes the alias
 */
export const setLiveAlias =
  (serving: Pick<Serving, "live" | "route" | "unroute">) =>
  async ({ model, delivery, fence }: AliasWriter, target: AliasTarget | undefined): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const live = await serving.live(model);
      const currentFence = readFence(live);
      if (currentFence > fence)
        throw new Superseded(`the alias of ${model} was written under fence ${currentFence}, after ${fence}`);
      try {
        if (!target) {
          if (live) await serving.unroute(model, { expect: live.revision });
          return;
        }
        if (live && currentFence === fence && pointsTo(live, target)) return;
        await serving.route(
          model,
          { ...target, description: `fence=${fence} delivery=${delivery}` },
          { expect: live?.revision ?? "absent" },
        );
        return;
      } catch (error) {
        if (!(error instanceof RevisionConflict) || attempt === maxAttempts) throw error;
      }
    }
  };
