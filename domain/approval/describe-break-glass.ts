import type { BreakGlassResult } from "./approvals.ts";
import type { DecisionResult } from "./describe-vote-result.ts";

/** The result of breaking the glass, as the approver reads it. */
export const describeBreakGlass = (result: BreakGlassResult): DecisionResult => {
  switch (result.result) {
    case "broken":
      return {
        taken: true,
        sentence:
          "The delivery goes on although prod is closed: at its next look, within minutes in its first hours.",
      };
    case "postponed":
      return {
        taken: true,
        sentence:
          "Your reason is recorded. It counts once Slack confirms your e-mail address, and your user group where the rule names one.",
      };
    case "already":
      return { taken: false, sentence: `${result.breakGlass.name} broke the glass already.` };
    case "refused":
      return { taken: false, sentence: result.why };
    case "unknown":
      return { taken: false, sentence: "This approval no longer exists." };
    default:
      return result satisfies never;
  }
};
