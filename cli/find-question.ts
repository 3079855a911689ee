import type { Approvals } from "#domain/approval/approvals.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { UsageMistake } from "./errors.ts";

type FoundQuestion = {
  /** The approval's id. */
  readonly id: string;
  /** Undefined: it takes no votes any more, and a vote says what became of it. */
  readonly state: MessageState | undefined;
};

/**
 * The question that a person names by its approval's id, its delivery or its model. Throws UsageMistake where no question or
 * several take votes.
 */
export const findQuestion = async (
  {
    approvals,
    messages,
  }: {
    readonly approvals: Pick<Approvals, "open">;
    readonly messages: Pick<DeliveryMessages, "state">;
  },
  named: string,
): Promise<FoundQuestion> => {
  const open = await approvals.open();
  const matching = open.filter(({ id, delivery, model }) => [id, delivery, model].includes(named));
  const asking: FoundQuestion[] = [];
  for (const { id, delivery } of matching) {
    const state = await messages.state(delivery);
    // A delivery's state is about its newest question.
    if (state?.question?.status === "open" && state.question.approval === id) asking.push({ id, state });
  }
  const isId = named.includes("~");
  if (isId) return asking.find(({ id }) => id === named) ?? { id: named, state: undefined };
  const [question, another] = asking;
  if (another)
    throw new UsageMistake(
      `${named} has ${asking.length} open approvals: name one of ${asking.map(({ id }) => id).join(", ")}.`,
    );
  if (question) return question;
  // Decided and not sent yet, or withdrawn and not told yet: the vote says so.
  const [last] = matching.slice(-1);
  if (last) return { id: last.id, state: undefined };
  throw new UsageMistake(
    `${named} has no open approval${open.length === 0 ? "." : ` (open: ${[...new Set(open.map(({ model }) => model))].join(", ")}).`}`,
  );
};
