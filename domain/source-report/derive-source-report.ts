import { deriveMessageState, type MessageFacts, type MessageState } from "#domain/message/message-state.ts";
import type { EnvironmentReport, SourceReport } from "#platform/source-reports/source-reports.ts";

type Summary = SourceReport["summary"];
type Shown = Pick<EnvironmentReport, "state" | "text">;

const label = ({ model, version }: Pick<MessageState, "model" | "version">): string =>
  version === null ? model : `${model} v${version}`;

/** How it ended, without names and reasons of people: whoever sees the repository sees this. */
const describeEnd = (outcome: NonNullable<MessageState["outcome"]>, error: MessageState["error"]): string => {
  switch (outcome) {
    case "promoted":
      return "Serves prod";
    case "rejected":
      return "Rejected";
    case "expired":
      return "The approval expired";
    case "superseded":
      return "Superseded by a later commit";
    case "unchanged":
      return "Prod already serves this image and model";
    case "failed":
      return `Failed: ${error?.name ?? "unknown error"}`;
    default:
      return outcome satisfies never;
  }
};

const summarize = (state: MessageState | undefined, serves: boolean): Summary => {
  if (!state) return { state: "pending", text: "Is being built and checked on stage" };
  const { outcome, error, rolledBack, question, progress } = state;
  const about = (text: string) => `${label(state)}: ${text}`;
  if (rolledBack) return { state: "failure", text: about("rolled back on prod") };
  if (outcome === "promoted")
    return {
      state: "success",
      text: about(serves ? "serves prod" : "was promoted and later replaced"),
    };
  if (outcome)
    return {
      state: outcome === "unchanged" ? "success" : outcome === "superseded" ? "error" : "failure",
      text: about(describeEnd(outcome, error)),
    };
  if (question?.status === "open") return { state: "pending", text: about("waits for approval") };
  return { state: "pending", text: progress ?? about("is being delivered") };
};

const replacedText = "Replaced by a later version";

/** A delivery that was not promoted leaves stage at the version that was promoted last. */
const reportStage = (state: MessageState | undefined, isReplaced: boolean): Shown => {
  if (!state) return { state: "in_progress", text: "Builds, deploys and checks it" };
  const { outcome, error, question, rolledBack } = state;
  if (rolledBack) return { state: "inactive", text: "Rolled back" };
  if (outcome === "failed" && !question) return { state: "failure", text: describeEnd(outcome, error) };
  if (outcome && outcome !== "promoted") return { state: "inactive", text: describeEnd(outcome, error) };
  return isReplaced
    ? { state: "inactive", text: replacedText }
    : { state: "success", text: "Checked on stage" };
};

/** Undefined: the delivery has not come to prod. */
const reportProd = (
  state: MessageState | undefined,
  deployment: MessageFacts["deployment"],
  serves: boolean,
): Shown | undefined => {
  if (!state || (!state.question && !deployment)) return undefined;
  const { outcome, error, question, rolledBack, progress } = state;
  if (rolledBack) return { state: "inactive", text: "Rolled back" };
  if (outcome === "promoted")
    return serves ? { state: "success", text: "Serves prod" } : { state: "inactive", text: replacedText };
  if (outcome)
    return { state: outcome === "failed" ? "failure" : "inactive", text: describeEnd(outcome, error) };
  if (question?.status === "open") return { state: "pending", text: "Waits for approval" };
  if (progress) return { state: "in_progress", text: progress };
  return question?.status === "approved"
    ? { state: "queued", text: "Approved" }
    : { state: "pending", text: "Is checked" };
};

/**
 * What the source's host shows of a delivery, derived from stored facts alone as its message is: the order and number of
 * reports do not matter.
 * @param url the delivery's page
 * @param shown the deliveries that the environments show; undefined: nothing has been deployed
 */
export const deriveSourceReport = (
  { model, commit }: { readonly model: string; readonly commit: string },
  facts: MessageFacts,
  url: string,
  shown: { readonly stage?: string | undefined; readonly prod?: string | undefined } = {},
): SourceReport => {
  // Orders about a canary have names and reasons of people.
  const state = deriveMessageState({ ...facts, control: undefined });
  const { delivery } = facts;
  // After a rollback, prod's entry is the rollback's and not the delivery's.
  const serves = shown.prod === undefined ? state?.replaced === false : shown.prod === delivery;
  const prod = reportProd(state, facts.deployment, serves);
  return {
    delivery,
    model,
    commit,
    url,
    summary: summarize(state, serves),
    environments: [
      {
        environment: "stage",
        ...reportStage(state, shown.stage !== undefined && shown.stage !== delivery),
      },
      ...(prod ? [{ environment: "prod" as const, ...prod }] : []),
    ],
  };
};
