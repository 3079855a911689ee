import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import {
  describeInconclusive,
  isConfirmed,
  type TypedConfirmation,
} from "#domain/approval/typed-confirmation.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";
import type { CommandContext } from "./command-world.ts";
import { UsageMistake } from "./errors.ts";
import { findQuestion } from "./find-question.ts";
import { Interrupted, type openTerminal } from "./open-terminal.ts";
import { print } from "./print.ts";

type Terminal = ReturnType<typeof openTerminal>;

type DecideQuestionNeeds = Pick<CommandContext, "world" | "voter"> & {
  /** Shows the question with every check. */
  readonly show: (state: MessageState) => void;
  /** Undefined: nobody can be asked. */
  readonly openTerminal: (() => Terminal) | undefined;
};

type Request = {
  /** A model, a delivery or an approval's id. */
  readonly named: string;
  /** The Slack user id that the caller claims. */
  readonly as: string;
  readonly decision: "approved" | "rejected";
  readonly reason: string | undefined;
  /** The model's name, which an approval of inconclusive checks needs; undefined: the person is asked for it. */
  readonly confirm?: string | undefined;
  /** Decides without being asked. */
  readonly yes: boolean;
};

const verbs = { approved: "approve", rejected: "reject" } as const;

/**
 * Shows a question with every check, asks the person, and submits the decision. Undefined: the person said no. Throws
 * Interrupted at Ctrl-C, and UsageMistake: there is no terminal to ask on and no `yes`, no reason, or no such question.
 */
export const decideQuestion =
  ({ world, voter, show, openTerminal }: DecideQuestionNeeds) =>
  async ({ named, as, decision, reason: given, confirm, yes }: Request) => {
    const { id, state } = await findQuestion(world, named);
    if (decision === "rejected" && given === undefined && (yes || !openTerminal))
      throw new UsageMistake("a rejection requires --reason <text>.");
    // Before anything is asked, so that nobody types an answer for nothing.
    if (given !== undefined) parseReason(given);
    // A question that takes no votes needs no answer: the vote says what became of it.
    const isAsking = state !== undefined && !yes;
    const question = decision === "approved" ? state?.question : undefined;
    const typed = question?.status === "open" ? question.confirmation : undefined;
    if (typed && !isConfirmed(typed, confirm) && (!isAsking || confirm !== undefined))
      throw new UsageMistake(
        escapeTerminalLine(
          `${describeInconclusive(typed)}: to approve nevertheless, add --confirm ${typed.phrase}.`,
        ),
      );
    // After what a wrong command line says, which would stand below a long question.
    if (state) show(state);
    // Without a terminal it is shown too: whoever adds --yes has seen every check.
    if (isAsking && !openTerminal)
      throw new UsageMistake(
        `slipway ${verbs[decision]} asks on a terminal, and there is none: add --yes to decide without being asked.`,
      );
    const answer =
      isAsking && openTerminal
        ? await askPerson(openTerminal(), {
            decision,
            given,
            typed: confirm === undefined ? typed : undefined,
          })
        : { reason: given };
    if (answer === "no") return undefined;
    const result = await submitDecision(world)({
      approval: id,
      approver: await voter(as),
      verdict: decision,
      reason: answer.reason === undefined ? null : parseReason(answer.reason),
      ...(typed && { confirmation: typed.phrase }),
    });
    return { id, ...result };
  };

const parseReason = (text: string): string => {
  const parsed = parseRejectionReason(text);
  if ("problem" in parsed) throw new UsageMistake(`--reason: ${parsed.problem}`);
  return parsed.reason;
};

const askPerson = async (
  terminal: Terminal,
  {
    decision,
    given,
    typed,
  }: {
    readonly decision: "approved" | "rejected";
    readonly given: string | undefined;
    /** Whose name is asked for instead of a yes. */
    readonly typed: TypedConfirmation | undefined;
  },
): Promise<{ readonly reason: string | undefined } | "no"> => {
  try {
    if (decision === "rejected" && given === undefined) {
      const typed = await terminal.ask("Reason (empty: reject nothing): ");
      return typed.trim() === "" ? "no" : { reason: typed };
    }
    if (typed) {
      print(escapeTerminalLine(`${describeInconclusive(typed)}.`));
      const name = await terminal.ask(`Type ${typed.phrase} to approve nevertheless: `);
      return isConfirmed(typed, name) ? { reason: given } : "no";
    }
    const answer = await terminal.ask(`${decision === "approved" ? "Approve" : "Reject"}? (yes or no) `);
    return /^y(es)?$/i.test(answer.trim()) ? { reason: given } : "no";
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    if (error.byKey) throw new Interrupted("Nothing was decided.", true);
    return "no";
  } finally {
    terminal.close();
  }
};
