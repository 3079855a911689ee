import * as z from "zod";
import type { Approval } from "#domain/approval/approval-records.ts";
import type { Approvals } from "#domain/approval/approvals.ts";
import { type FinishApprovalDependencies, finishApproval } from "#domain/approval/finish-approval.ts";
import type { AuditRecorder } from "#domain/audit/audit-recorder.ts";
import type { Claims } from "#domain/claims/claims.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Outcomes } from "#domain/delivery/outcomes.ts";
import { Outcome } from "#domain/delivery/outcomes.ts";
import {
  type FindConfigurationDriftDependencies as DriftNeeds,
  findConfigurationDrift,
} from "#domain/deployment/find-configuration-drift.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import { finishRollback } from "#domain/rollback/finish-rollback.ts";
import type { RestoreEnvironmentDependencies as RestoreNeeds } from "#domain/rollback/restore-environment.ts";
import type { Deliveries, Execution } from "#platform/deliveries/deliveries.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { metricNames } from "#platform/metrics/metrics.ts";
import { environments } from "#platform/serving/serving.ts";
import {
  type MoveChampionInput,
  type MoveChampionOutput,
  type ReportOutcomeInput,
  type ReportOutcomeOutput,
  type RollBackInput,
  type RollBackOutput,
  Subject,
} from "#statemachine/contracts.ts";

/** A step as the sweep calls it: the same function that the state machine runs. */
type Step<Input, Output> = (input: Input) => Promise<Output>;

/** One separate repair: its error is logged, and the result is undefined. */
type Attempt = <T>(
  what: string,
  repair: () => Promise<T>,
  about?: Parameters<LogWarning>[2],
) => Promise<T | undefined>;

export type SweepDeliveriesDependencies = RestoreNeeds &
  DriftNeeds & {
    readonly deliveries: Deliveries;
    readonly claims: Claims;
    readonly approvals: Approvals;
    readonly outcomes: Outcomes;
    readonly messages: DeliveryMessages;
    readonly audit: AuditRecorder;
    readonly slack: FinishApprovalDependencies["slack"];
    readonly readGroups?: FinishApprovalDependencies["readGroups"];
    readonly rollBack: Step<RollBackInput, RollBackOutput>;
    readonly moveChampion: Step<MoveChampionInput, MoveChampionOutput>;
    readonly reportOutcome: Step<ReportOutcomeInput, ReportOutcomeOutput>;
    readonly clock: () => number;
    readonly metrics: Pick<Metrics, "count">;
    readonly warn: LogWarning;
  };

type SweepDeliveriesOutput = {
  readonly deliveries: readonly {
    readonly delivery: string;
    readonly result: "carried forward" | "rolled back" | "failed";
  }[];
};

/** A person's rollback holds its claim for seconds; an older claim is from one that crashed. */
const rollbackTimeoutMs = 60_000;

/**
 * Repairs what the state machine could not finish: executions that ended with an open claim (stopped, timed out,
 * killed), promotions without their registry aliases, votes that were not judged, decisions that were not sent, messages
 * that Slack did not accept, facts that the audit trails lack.
 * Finds aliases that somebody changed by hand.
 * Each repair is separate: a failed one does not stop the others.
 */
export const sweepDeliveries =
  (needs: SweepDeliveriesDependencies) =>
  async (_event: unknown): Promise<SweepDeliveriesOutput> => {
    const swept: { delivery: string; result: "carried forward" | "rolled back" | "failed" }[] = [];
    const attempt: Attempt = async (what, repair, about) => {
      try {
        return await repair();
      } catch (error) {
        needs.warn(`${what} could not be repaired now; the next sweep tries again`, error, about);
        return undefined;
      }
    };

    const unfinished = [
      ...((await attempt("open claims", () => findAbandonedExecutions(needs, attempt))) ?? []),
      ...((await attempt("unreported deliveries", () => findUnreportedExecutions(needs))) ?? []),
    ];
    for (const delivery of new Map(unfinished.map((each) => [each.name, each])).values()) {
      const about = { delivery: delivery.name };
      const result = (await attempt(delivery.name, () => endDelivery(needs, delivery), about)) ?? "failed";
      swept.push({ ...about, result });
      needs.metrics.count({ name: "SweptDeliveries", value: 1, unit: "Count", dimensions: { result } });
    }
    const openApprovals = (await attempt("open approvals", () => needs.approvals.unfinished())) ?? [];
    reportWaitingTime(needs, openApprovals);
    for (const { id, delivery, model, state, canary, postponed, postponedGlass } of openApprovals)
      await attempt(
        `the approval ${id}`,
        async () => {
          const execution = await needs.deliveries.describe(delivery);
          // No task waits for the decision of a delivery that has ended.
          if (execution && execution.status !== "RUNNING")
            await needs.approvals.close(id, "the delivery has ended");
          else if (state.status === "withdrawn")
            await needs.approvals.withdraw(id, { name: "Superseded", cause: state.why });
          // A person's rollback may not end tasks, so its canary's question is withdrawn here: before votes that wait,
          // which would decide about a canary that is over.
          else if (
            canary &&
            state.status === "pending" &&
            (await needs.ledger.ofDelivery("prod", model, delivery))?.status === "ended"
          )
            await needs.approvals.withdraw(id, {
              name: "Superseded",
              cause: "a rollback of prod ended this canary",
            });
          else if (state.status === "decided" || postponed || postponedGlass)
            await finishApproval(needs)({ followUp: "finish-approval", approval: id, explainTo: null });
          // Also for an approval that expired, and after a crash before it was shown.
          await needs.messages.expect(delivery);
        },
        { delivery, approval: id },
      );
    const served = (await attempt("models on prod", () => needs.serving.prod.models())) ?? [];
    const audited = (await attempt("models with an audit trail", () => needs.audit.models())) ?? [];
    for (const model of new Set([...served, ...audited])) {
      await needs.audit.recordModel(model);
      await needs.audit.anchor(model);
    }
    for (const model of served) {
      await attempt(`the registry's aliases of ${model}`, () => syncChampionAlias(needs, model), { model });
      for (const environment of environments)
        await attempt(`${model} on ${environment}`, () => findConfigurationDrift(needs)(environment, model), {
          model,
        });
    }
    await attempt("messages in Slack", () => needs.messages.showUnshown(needs.audit.settle));
    return { deliveries: swept };
  };

/** How long the oldest open approval has waited; nothing is written while none is open. */
const reportWaitingTime = (
  { metrics, clock }: SweepDeliveriesDependencies,
  approvals: readonly Approval[],
) => {
  const waiting = approvals.filter(({ state }) => state.status === "pending").map(({ askedAt }) => askedAt);
  if (waiting.length === 0) return;
  const value = Math.round((clock() - Math.min(...waiting)) / 1_000);
  const name = metricNames.deliveries.approvalWaitingSeconds;
  metrics.count({ name, value, unit: "Seconds", dimensions: {} });
};

/** Sets the registry's aliases after a promotion whose execution no longer runs. */
const syncChampionAlias = async (
  { ledger, deliveries, moveChampion }: SweepDeliveriesDependencies,
  model: string,
) => {
  const serving = await ledger.serving("prod", model);
  if (!serving || serving.championMoved) return;
  if ((await deliveries.describe(serving.delivery))?.status === "RUNNING") return;
  await moveChampion({ delivery: serving.delivery, model, commit: serving.commit });
};

/** Executions that hold a claim and no longer run. A person's rollback has no execution: only its claim shows that it
 * crashed, and it is finished here. */
const findAbandonedExecutions = async (
  needs: SweepDeliveriesDependencies,
  attempt: Attempt,
): Promise<readonly Execution[]> => {
  const { claims, deliveries, clock } = needs;
  const executions = new Map<string, Execution>();
  for (const claim of await claims.open()) {
    const { environment, holder } = claim;
    if (!holder) continue;
    await attempt(
      `the claim of ${holder} on ${environment}`,
      async () => {
        const execution = await deliveries.describe(holder);
        if (execution && execution.status !== "RUNNING") executions.set(execution.name, execution);
        if (!execution && clock() - claim.grantedAt > rollbackTimeoutMs)
          await finishRollback(needs)(claim, holder);
      },
      { delivery: holder, model: claim.model },
    );
  }
  return [...executions.values()];
};

const endStatuses = ["FAILED", "ABORTED", "TIMED_OUT", "SUCCEEDED"] as const;
const pageSize = 25;

/**
 * Executions that ended without a report and hold no claim: stopped before their first one, stopped after a rollback
 * released it, or with a failed report. Newest first, and page by page until a page has none.
 */
const findUnreportedExecutions = async ({
  deliveries,
  outcomes,
}: SweepDeliveriesDependencies): Promise<readonly Execution[]> => {
  const executions: Execution[] = [];
  for (const status of endStatuses)
    for (let after: string | undefined; ; ) {
      const page = await deliveries.list({ limit: pageSize, status, ...(after ? { after } : {}) });
      const before = executions.length;
      for (const execution of page.executions)
        if (!(await outcomes.read(execution.name))) executions.push(execution);
      if (!page.cursor || executions.length === before) break;
      after = page.cursor;
    }
  return executions;
};

const interruptedError = {
  Error: "Interrupted",
  Cause: "The execution was stopped before it finished.",
};

/** The state machine's outcome, when only the report is missing. */
const EndedOutput = z.object({ outcome: Outcome.exclude(["promoted", "failed"]) });

const endDelivery = async (
  needs: SweepDeliveriesDependencies,
  { name, error, input, status, output }: Execution,
) => {
  const subject = Subject.parse(
    z
      .object({ model: z.string(), commit: z.string() })
      .transform((fields) => ({ ...fields, delivery: name }))
      .parse(input),
  );
  const ended = EndedOutput.safeParse(status === "SUCCEEDED" ? output : undefined);
  const { committed, error: original } = await needs.rollBack({
    ...subject,
    error: ended.success ? null : error ? { Error: error.name, Cause: error.cause } : interruptedError,
  });
  if (committed) await needs.moveChampion(subject);
  await needs.reportOutcome({
    ...subject,
    outcome: committed ? "promoted" : ended.success ? ended.data.outcome : "failed",
    error: committed ? null : original,
  });
  return committed ? ("carried forward" as const) : ("rolled back" as const);
};
