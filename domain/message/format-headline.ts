import type { MessageState } from "./message-state.ts";
import { nameRollbackPerson } from "./name-rollback-person.ts";

/** The delivery in one line, for the message, its notification, the command line and the pages. */
export const formatHeadline = (state: MessageState): string => {
  const { model, version, outcome, question, progress, rolledBack, replaced } = state;
  const subject = version === null ? model : `${model} v${version}`;
  // After a person's rollback nothing of this delivery serves prod, regardless of its outcome.
  if (rolledBack && (outcome === null || outcome === "promoted" || outcome === "superseded"))
    return `${subject}: rolled back by ${nameRollbackPerson(rolledBack.by)}`;
  switch (outcome) {
    case "promoted":
      return replaced ? `${subject} was promoted and later replaced` : `${subject} serves prod`;
    case "rejected":
      return `${subject} was rejected`;
    case "expired":
      return `${subject}: the approval expired`;
    case "superseded":
      return `${subject} was superseded by a later commit`;
    case "unchanged":
      return `${model}: prod already serves this image and model`;
    case "failed":
      return `${subject}: the delivery failed`;
    case null:
      break;
    default:
      outcome satisfies never;
  }
  const trial = state.trial ? " (trial)" : "";
  if (question?.status === "open")
    return question.canaryPercent === null
      ? `Approve ${subject} for production?${trial}`
      : `Continue the inconclusive canary of ${subject}?${trial}`;
  if (question?.status === "expired") return `${subject}: the approval expired`;
  if (state.held) return `${subject} waits, because prod is closed`;
  return progress === null ? `${subject} is being delivered` : `${subject} is being rolled out to prod`;
};
