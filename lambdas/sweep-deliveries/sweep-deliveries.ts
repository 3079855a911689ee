import { z } from "zod";
import type { Approvals } from "../../domain/approvals.ts";
import type { Claims } from "../../domain/claims.ts";
import { endRollback } from "../../domain/end-rollback.ts";
import type { Messages } from "../../domain/messages.ts";
import type { Outcomes } from "../../domain/outcomes.ts";
import type { Needs as RestoreNeeds } from "../../domain/restore.ts";
import type { Deliveries, Execution } from "../../platform/deliveries/deliveries.ts";
import {
  type MoveChampionOutput,
  Outcome,
  type ReportOutcomeOutput,
  type RollBackOutput,
  Subject,
} from "../../statemachine/contracts.ts";

/** A step as the sweep calls it: the same function that the state machine runs. */
type Step<Output> = (event: unknown) => Promise<Output>;

/** One repair for itself: its fault is told of, and gives undefined. */
type Attempt = <T>(what: string, repair: () => Promise<T>) => Promise<T | undefined>;

export type Needs = RestoreNeeds & {
  readonly deliveries: Deliveries;
  readonly claims: Claims;
  readonly approvals: Approvals;
  readonly outcomes: Outcomes;
  readonly messages: Messages;
  readonly rollBack: Step<RollBackOutput>;
  readonly moveChampion: Step<MoveChampionOutput>;
  readonly reportOutcome: Step<ReportOutcomeOutput>;
  readonly clock: () => number;
  readonly warn: (sentence: string, fault: unknown) => void;
};

export type Swept = {
  readonly deliveries: readonly {
    readonly delivery: string;
    readonly result: "carried forward" | "rolled back" | "failed";
  }[];
};

/** A person's rollback holds its claim for seconds; one that is older died on the way. */
const rollbackPatienceMs = 60_000;

/**
 * Looks after what the state machine could not: executions that ended with a claim still open (stopped, timed out,
 * killed), promotions whose registry aliases did not follow, decisions that were not sent, messages that Slack did
 * not take. Each is repaired for itself: one that cannot be repaired now hinders no other.
 */
export const sweepDeliveries =
  (needs: Needs) =>
  async (_event: unknown): Promise<Swept> => {
    const swept: { delivery: string; result: "carried forward" | "rolled back" | "failed" }[] = [];
    const attempt: Attempt = async (what, repair) => {
      try {
        return await repair();
      } catch (fault) {
        needs.warn(`${what} could not be repaired now; the next sweep tries again`, fault);
        return undefined;
      }
    };

    const left = [...(await abandoned(needs)), ...(await unreported(needs))];
    for (const delivery of new Map(left.map((each) => [each.name, each])).values()) {
      const result = await attempt(delivery.name, () => end(needs, delivery));
      swept.push({ delivery: delivery.name, result: result ?? "failed" });
    }
    await endRollbacks(needs, attempt);
    for (const approval of await needs.approvals.open())
      await attempt(`the question ${approval.id}`, async () => {
        if (approval.state.status === "decided") await needs.approvals.send(approval.id);
        const execution = await needs.deliveries.describe(approval.delivery);
        if (execution && execution.status !== "RUNNING")
          await needs.approvals.close(approval.id, "the delivery has ended");
      });
    for (const model of await needs.serving.prod.models()) {
      const serving = await needs.ledger.serving("prod", model);
      if (!serving || serving.championMoved) continue;
      const execution = await needs.deliveries.describe(serving.delivery);
      if (execution?.status === "RUNNING") continue;
      const subject: Subject = { delivery: serving.delivery, model, commit: serving.commit };
      await attempt(`the registry's aliases of ${model}`, () => needs.moveChampion(subject));
    }
    await attempt("messages in Slack", () => needs.messages.showUnshown());
    return { deliveries: swept };
  };

/** Executions that hold a claim and run no more. */
const abandoned = async ({ claims, deliveries }: Needs): Promise<readonly Execution[]> => {
  const found = new Map<string, Execution>();
  for (const claim of await claims.open()) {
    if (!claim.holder) continue;
    const execution = await deliveries.describe(claim.holder);
    if (execution && execution.status !== "RUNNING") found.set(execution.name, execution);
  }
  return [...found.values()];
};

/** A person's rollback is no execution: one that died on the way is known by its claim alone. */
const endRollbacks = async (needs: Needs, attempt: Attempt): Promise<void> => {
  const { claims, deliveries, clock } = needs;
  for (const claim of await claims.open()) {
    const { holder, grantedAt } = claim;
    if (!holder || clock() - grantedAt <= rollbackPatienceMs || (await deliveries.describe(holder))) continue;
    await attempt(`the rollback ${holder}`, () => endRollback(needs)(claim, holder));
  }
};

const ends = ["FAILED", "ABORTED", "TIMED_OUT", "SUCCEEDED"] as const;
const pageOf = 25;

/**
 * Executions that ended unreported though they hold no claim: stopped before their first, after a rollback had given
 * them back, or with a report that failed. Newest first, and back for as long as a page holds such a one.
 */
const unreported = async ({ deliveries, outcomes }: Needs): Promise<readonly Execution[]> => {
  const found: Execution[] = [];
  for (const status of ends)
    for (let after: string | undefined; ; ) {
      const page = await deliveries.list({ limit: pageOf, status, ...(after ? { after } : {}) });
      const before = found.length;
      for (const execution of page.executions)
        if (!(await outcomes.read(execution.name))) found.push(execution);
      if (!page.cursor || found.length === before) break;
      after = page.cursor;
    }
  return found;
};

const interrupted = {
  Error: "Interrupted",
  Cause: "The execution was stopped before it came to an end of its own.",
};

/** What the state machine itself came to, where only the report is missing. */
const Ended = z.object({ outcome: Outcome.exclude(["promoted", "failed"]) });

const end = async (needs: Needs, { name, error, input, status, output }: Execution) => {
  const subject = Subject.parse(
    z
      .object({ model: z.string(), commit: z.string() })
      .transform((held) => ({ ...held, delivery: name }))
      .parse(input),
  );
  const ended = Ended.safeParse(status === "SUCCEEDED" ? output : undefined);
  const { committed, error: original } = await needs.rollBack({
    ...subject,
    error: ended.success ? null : error ? { Error: error.name, Cause: error.cause } : interrupted,
  });
  if (committed) await needs.moveChampion(subject);
  await needs.reportOutcome({
    ...subject,
    outcome: committed ? "promoted" : ended.success ? ended.data.outcome : "failed",
    error: committed ? null : original,
  });
  return committed ? ("carried forward" as const) : ("rolled back" as const);
};
