import { z } from "zod";
import type { Approvals } from "../../domain/approvals.ts";
import type { ClaimItem, Claims } from "../../domain/claims.ts";
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

    for (const delivery of (await attempt("open claims", () => abandoned(needs, attempt))) ?? []) {
      const result = await attempt(delivery.name, () => end(needs, delivery));
      swept.push({ delivery: delivery.name, result: result ?? "failed" });
    }
    for (const { id, delivery, state } of (await attempt("questions", () => needs.approvals.open())) ?? [])
      await attempt(`the question ${id}`, async () => {
        const execution = await needs.deliveries.describe(delivery);
        // Nobody waits for the answer of a delivery that has ended.
        if (execution && execution.status !== "RUNNING")
          return needs.approvals.close(id, "the delivery has ended");
        if (state.status === "decided") await needs.approvals.send(id);
        if (state.status === "withdrawn")
          await needs.approvals.withdraw(id, { name: "Superseded", cause: state.why });
      });
    for (const model of (await attempt("models on prod", () => needs.serving.prod.models())) ?? [])
      await attempt(`the registry's aliases of ${model}`, () => followPromotion(needs, model));
    await attempt("messages in Slack", () => needs.messages.showUnshown());
    return { deliveries: swept };
  };

/** The registry's aliases follow a promotion that no execution will bring them to any more. */
const followPromotion = async ({ ledger, deliveries, moveChampion }: Needs, model: string) => {
  const serving = await ledger.serving("prod", model);
  if (!serving || serving.championMoved) return;
  if ((await deliveries.describe(serving.delivery))?.status === "RUNNING") return;
  await moveChampion({ delivery: serving.delivery, model, commit: serving.commit });
};

/** Executions that hold a claim and run no more. Claims of a person's rollback that died are seen to here. */
const abandoned = async (
  needs: Needs,
  attempt: (what: string, repair: () => Promise<void>) => Promise<void>,
): Promise<readonly Pick<Execution, "name" | "error" | "input">[]> => {
  const { claims, deliveries, clock } = needs;
  const found = new Map<string, Pick<Execution, "name" | "error" | "input">>();
  for (const claim of await claims.open()) {
    const { environment, holder } = claim;
    if (!holder) continue;
    await attempt(`the claim of ${holder} on ${environment}`, async () => {
      const execution = await deliveries.describe(holder);
      if (execution && execution.status !== "RUNNING") found.set(execution.name, execution);
      if (!execution && clock() - claim.grantedAt > rollbackPatienceMs) await endRollback(needs, claim);
    });
  }
  return [...found.values()];
};

/** It may have died between alias and ledger, so the environment is put where the ledger says before anyone gets it. */
const endRollback = async (
  { ledger, rollBack, claims }: Needs,
  { environment, model, holder }: ClaimItem,
) => {
  if (!holder) return;
  const commit = (await ledger.serving("prod", model))?.commit;
  if (commit !== undefined) await rollBack({ delivery: holder, model, commit, error: null });
  await claims.release(environment, model, holder);
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
