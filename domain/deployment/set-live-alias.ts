import { Superseded } from "#domain/delivery/errors.ts";
import { type LiveAlias, RevisionConflict, type Serving } from "#platform/serving/serving.ts";

export type AliasWriter = { readonly model: string; readonly delivery: string; readonly fence: number };
type AliasTarget = Pick<LiveAlias, "version" | "canary">;

/** The fence in an alias's description; 0 where nobody wrote one. */
export const readFence = (alias: LiveAlias | undefined): number =>
  Number(alias?.description.match(/fence=(\d+)/)?.[1] ?? 0);

const pointsTo = (alias: AliasTarget, target: AliasTarget) =>
  alias.version === target.version &&
  alias.canary?.version === target.canary?.version &&
  alias.canary?.weight === target.canary?.weight;

/** How often a lost race is tried again here; after that the state machine's retry has its turn. */
const maxAttempts = 5;

/**
 * Points `live` under a fence: the write passes the revision just read, so a fence checked against that reading
 * holds for the write. A higher fence seen ends as Superseded; `undefined` takes the alias away.
 */
export const setLiveAlias =
  (serving: Pick<Serving, "live" | "route" | "unroute">) =>
  async ({ model, delivery, fence }: AliasWriter, target: AliasTarget | undefined): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const live = await serving.live(model);
      const seen = readFence(live);
      if (seen > fence)
        throw new Superseded(`the alias of ${model} was written under fence ${seen}, after ${fence}`);
      try {
        if (!target) {
          if (live) await serving.unroute(model, { expect: live.revision });
          return;
        }
        if (live && seen === fence && pointsTo(live, target)) return;
        await serving.route(
          model,
          { ...target, description: `fence=${fence} delivery=${delivery}` },
          { expect: live?.revision ?? "absent" },
        );
        return;
      } catch (fault) {
        if (!(fault instanceof RevisionConflict) || attempt === maxAttempts) throw fault;
      }
    }
  };
