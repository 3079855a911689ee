import type { Deployment } from "./ledger.ts";
import { restore } from "./restore.ts";
import { type Needs, stageFollows } from "./stage-follows.ts";

export type RolledBack = {
  /** What prod serves now. */
  readonly to: Deployment;
  readonly from: Deployment;
  /** The delivery whose canary was ended, where one was under way: then prod keeps its champion. */
  readonly ended: string | null;
};

/** There is no version before the one that prod serves. */
export class NothingBefore extends Error {
  override readonly name = "NothingBefore";
}

/**
 * A person's rollback: takes the prod claim by force, so that no delivery under way may write any more, puts the
 * previous version back (or, during a canary, the champion alone), proves it by its golden vectors and writes the
 * ledger. Stage follows where no delivery holds it.
 * @param by who asks, and why: it stands in the ledger
 */
export const rollback =
  (needs: Needs) =>
  async ({ model, id, by }: { model: string; id: string; by: string }): Promise<RolledBack> => {
    const { claims, ledger, clock } = needs;
    const from = await ledger.serving("prod", model);
    if (!from)
      throw new NothingBefore(`prod serves no version of ${model}, so there is nothing to roll back`);
    const holder = (await claims.read("prod", model))?.holder ?? null;
    const underway = holder === null ? undefined : await ledger.ofDelivery("prod", model, holder);
    const canary =
      underway && underway.sequence > from.sequence && underway.status !== "ended" ? underway : undefined;
    const to = canary ? from : from.previous > 0 ? await ledger.at("prod", model, from.previous) : undefined;
    if (!to)
      throw new NothingBefore(
        `version ${from.version} is the first that prod served of ${model}: there is none before it`,
      );

    const now = clock();
    const grant = await claims.take(
      { environment: "prod", model, delivery: id, requestedAt: now, now },
      "force",
    );
    if (grant.status !== "granted") throw new Error("a claim taken by force is granted");
    const writer = { model, delivery: id, fence: grant.fence };
    try {
      if (canary)
        await ledger.change(canary, (current) =>
          current.status === "promoted" ? undefined : { ...current, status: "ended" },
        );
      const entry = await ledger.begin(
        {
          ...to,
          delivery: id,
          fence: grant.fence,
          previous: to.previous,
          reason: by,
          environment: "prod",
          model,
        },
        now,
      );
      await ledger.change(entry, (current) => ({ ...current, status: "promoting" }));
      await restore(needs)("prod", writer, to);
      const promoted = await ledger.change(entry, (current) => ({
        ...current,
        status: "promoted",
        promotedAt: clock(),
        shares: [{ percent: 100, from: clock() }],
      }));
      await stageFollows(needs)({ model, id, target: promoted });
      return { to: promoted, from, ended: canary?.delivery ?? null };
    } finally {
      await claims.release("prod", model, id);
    }
  };
