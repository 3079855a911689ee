import type { Approvals, NewApproval } from "#domain/approval/approvals.ts";
import { Superseded } from "#domain/delivery/errors.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";

/**
 * Opens the question, shows it, and sends a decision that was made before an interruption: this task gets the same one.
 * `findEnd`: why nobody needs the question any more, looked up after the write, because whoever ends questions may have
 * missed this one. Throws Superseded.
 */
export const openQuestion =
  ({ approvals, messages }: { readonly approvals: Approvals; readonly messages: DeliveryMessages }) =>
  async (
    question: NewApproval,
    taskToken: string,
    findEnd: () => Promise<string | undefined>,
  ): Promise<void> => {
    const { id, state } = await approvals.ask(question, taskToken);
    const end = await findEnd();
    if (end !== undefined) await approvals.close(id, end);
    await messages.show(question.delivery);
    if (end !== undefined) throw new Superseded(end);
    if (state.status === "withdrawn") throw new Superseded(state.why);
    if (state.status === "decided") await approvals.send(id);
  };
