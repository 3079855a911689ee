import type { ApprovalDecision } from "../statemachine/contracts.ts";
import type { MessageView } from "./messages.ts";

/** How the message shows a question that was decided: by whom, and without its buttons. */
export const answeredQuestion = ({ status, by, reason }: ApprovalDecision): MessageView["question"] =>
  status === "approved" ? { status, by } : { status, by, reason };
