import { answeredQuestion } from "../../domain/answered-question.ts";
import type { Approvals } from "../../domain/approvals.ts";
import type { Claims } from "../../domain/claims.ts";
import type { Messages, MessageView } from "../../domain/messages.ts";
import { originalError } from "../../domain/original-error.ts";
import type { Outcomes } from "../../domain/outcomes.ts";
import type { Metrics } from "../../platform/metrics/metrics.ts";
import { ReportOutcomeInput, type ReportOutcomeOutput } from "../../statemachine/contracts.ts";

export type Needs = {
  readonly outcomes: Outcomes;
  readonly approvals: Approvals;
  readonly claims: Claims;
  readonly messages: Messages;
  readonly metrics: Pick<Metrics, "count">;
  readonly clock: () => number;
};

/** Ends a delivery in the eyes of people: its outcome is kept, counted and shown; a promoted one gives its claims back. */
export const reportOutcome =
  ({ outcomes, approvals, claims, messages, metrics, clock }: Needs) =>
  async (event: unknown): Promise<ReportOutcomeOutput> => {
    const { delivery, model, commit, outcome, error: told } = ReportOutcomeInput.parse(event);
    // A rollback that failed brings its cause as the engine had it; people read the sentence in it.
    const error = told && originalError({ Error: told.name, Cause: told.cause });
    const at = clock();
    const standing = (await messages.read(delivery))?.question;
    const question = standing?.status === "open" ? await lastOf(approvals, standing.approval, outcome) : null;
    await messages.put(
      {
        delivery,
        model,
        commit,
        author: "",
        version: null,
        digest: null,
        baseline: null,
        changed: [],
        checks: [],
        provenance: null,
        omitted: [],
        question: null,
        progress: null,
        outcome: null,
        error: null,
      },
      (view) => ({
        ...view,
        outcome,
        error,
        progress: null,
        question: view.question?.status === "open" ? question : view.question,
      }),
    );
    // Kept after the message was told: a delivery without an outcome is one that the sweep has yet to report.
    const first = await outcomes.keep({ delivery, model, commit, outcome, error, at });
    if (first) metrics.count({ name: "Deliveries", value: 1, unit: "Count", dimensions: { model, outcome } });
    if (first && error)
      metrics.count({
        name: "FailedDeliveries",
        value: 1,
        unit: "Count",
        dimensions: { model, error: error.name },
      });
    if (outcome === "promoted") {
      await claims.release("prod", model, delivery);
      await claims.release("stage", model, delivery);
    }
    const kept = await outcomes.read(delivery);
    return { outcome, reportedAt: new Date(kept?.at ?? at).toISOString() };
  };

/** What becomes of a question that stands open in the message: its answer, where only the message missed it. */
const lastOf = async (
  approvals: Approvals,
  id: string,
  outcome: string,
): Promise<MessageView["question"]> => {
  const state = (await approvals.read(id))?.state;
  if (state?.status === "decided" || state?.status === "sent") return answeredQuestion(state.decision);
  return outcome === "expired"
    ? { status: "expired" }
    : { status: "withdrawn", why: `the delivery ended as ${outcome}` };
};
