import { z } from "zod";
import type { Approvals } from "../../domain/approvals.ts";
import type { Claims } from "../../domain/claims.ts";
import type { Ledger } from "../../domain/ledger.ts";
import type { Messages } from "../../domain/messages.ts";
import type { Deliveries, Execution } from "../../platform/deliveries/deliveries.ts";
import type { Environment, Serving } from "../../platform/serving/serving.ts";
import {
  type MoveChampionOutput,
  type ReportOutcomeOutput,
  type RollBackOutput,
  Subject,
} from "../../statemachine/contracts.ts";

/** A step as the sweep calls it: the same function that the state machine runs. */
type Step<Output> = (event: unknown) => Promise<Output>;

export type Needs = {
  readonly deliveries: Deliveries;
  readonly claims: Claims;
  readonly approvals: Approvals;
  readonly ledger: Ledger;
  readonly messages: Messages;
  readonly serving: Readonly<Record<Environment, Serving>>;
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
    const attempt = async <T>(what: string, repair: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await repair();
      } catch (fault) {
        needs.warn(`${what} could not be repaired now; the next sweep tries again`, fault);
        return undefined;
      }
    };

    for (const delivery of await abandoned(needs)) {
      const result = await attempt(delivery.name, () => end(needs, delivery));
      swept.push({ delivery: delivery.name, result: result ?? "failed" });
    }
    for (const { id, delivery, state } of await needs.approvals.open())
      await attempt(`the question ${id}`, async () => {
        const execution = await needs.deliveries.describe(delivery);
        // Nobody waits for the answer of a delivery that has ended.
        if (execution && execution.status !== "RUNNING")
          return needs.approvals.close(id, "the delivery has ended");
        if (state.status === "decided") await needs.approvals.send(id);
        if (state.status === "withdrawn")
          await needs.approvals.withdraw(id, { name: "Superseded", cause: state.why });
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
const abandoned = async ({
  claims,
  deliveries,
  clock,
}: Needs): Promise<readonly Pick<Execution, "name" | "error" | "input">[]> => {
  const found = new Map<string, Pick<Execution, "name" | "error" | "input">>();
  for (const claim of await claims.open()) {
    if (!claim.holder) continue;
    const execution = await deliveries.describe(claim.holder);
    if (execution && execution.status !== "RUNNING") found.set(execution.name, execution);
    if (!execution && clock() - claim.grantedAt > rollbackPatienceMs)
      await claims.release(claim.environment, claim.model, claim.holder);
  }
  return [...found.values()];
};

const interrupted = {
  Error: "Interrupted",
  Cause: "The execution was stopped before it came to an end of its own.",
};

const end = async (needs: Needs, { name, error, input }: Pick<Execution, "name" | "error" | "input">) => {
  const subject = Subject.parse(
    z
      .object({ model: z.string(), commit: z.string() })
      .transform((held) => ({ ...held, delivery: name }))
      .parse(input),
  );
  const { committed, error: original } = await needs.rollBack({
    ...subject,
    error: error ? { Error: error.name, Cause: error.cause } : interrupted,
  });
  if (committed) await needs.moveChampion(subject);
  await needs.reportOutcome({
    ...subject,
    outcome: committed ? "promoted" : "failed",
    error: committed ? null : original,
  });
  return committed ? ("carried forward" as const) : ("rolled back" as const);
};
