import type { ApprovalReader } from "#domain/approval/approval-records.ts";
import type { BreakGlass } from "#domain/approval/break-glass.ts";
import type { Store } from "#platform/store/store.ts";
import { type Closure, findClosure } from "./find-closure.ts";
import { createFreezes } from "./freezes.ts";
import { createHolds, type Hold } from "./holds.ts";
import { isAnsweredHold } from "./is-answered-hold.ts";

export type CheckProdOpenDependencies = {
  readonly store: Store;
  readonly approvals: Pick<ApprovalReader, "ofDelivery">;
  readonly clock: () => number;
};

export type ProdAccess =
  | {
      readonly status: "open";
      /** What the delivery waited for before; undefined: nothing. */
      readonly hold: Hold | undefined;
      /** Why it may go on although prod is closed, or was closed when people decided so; null: nobody did. */
      readonly breakGlass: BreakGlass | null;
    }
  | {
      readonly status: "held";
      readonly closure: Closure;
      readonly hold: Hold | undefined;
      /** Seconds until the state machine should look again. */
      readonly waitSeconds: number;
    };

const minute = 60;
const longestWait = 60 * minute;

/**
 * The longer a delivery has waited, the longer until the next look: an execution of Step Functions has at most 25,000
 * events (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), and each look costs about ten. So a
 * freeze of months is possible, and a freeze of minutes ends within a minute.
 */
export const computeWaitSeconds = ({
  since,
  until,
  now,
}: {
  readonly since: number;
  readonly until: number | null;
  readonly now: number;
}): number => {
  const waited = Math.max(0, now - since) / 1_000;
  const left = until === null ? longestWait : Math.max(0, until - now) / 1_000;
  return Math.ceil(Math.max(minute, Math.min(longestWait, waited / 30, left)));
};

/**
 * Whether a delivery may change prod now, by the freezes in force and the hours of its rules. A closed prod holds it; with
 * one more approver and a reason it goes on nevertheless (`breakGlass`). Steps ask before each change that a delivery makes
 * on its own; rollbacks never ask. A freeze that somebody orders after that holds the delivery again. Stores what it found,
 * for the message and for time limits.
 */
export const checkProdOpen =
  ({ store, approvals, clock }: CheckProdOpenDependencies) =>
  async ({
    delivery,
    model,
    prodHours,
  }: {
    readonly delivery: string;
    readonly model: string;
    readonly prodHours: readonly string[];
  }): Promise<ProdAccess> => {
    const holds = createHolds({ store });
    const now = clock();
    // Of the newest question: prod or the checks have changed since an earlier one.
    const question = (await approvals.ofDelivery(delivery)).findLast(({ canary }) => canary === null);
    const breakGlass = question?.breakGlass ?? null;
    const freezes = await createFreezes({ store, clock }).ofModel(model);
    const closure = findClosure({ freezes, prodHours, breakGlass, now });
    if (!closure) return { status: "open", hold: await holds.release(delivery, now), breakGlass };
    if (isAnsweredHold((await holds.read(delivery))?.current, breakGlass)) await holds.release(delivery, now);
    const since = await holds.hold({ delivery, model }, closure, now);
    return {
      status: "held",
      closure,
      hold: await holds.read(delivery),
      waitSeconds: computeWaitSeconds({ since, until: closure.until, now }),
    };
  };
