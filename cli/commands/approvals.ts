import { Command, Option } from "commander";
import { breakGlass } from "#cli/break-glass.ts";
import { UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { Interrupted, openTerminal } from "#cli/open-terminal.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { paint, print, printError, printJson, printTable } from "#cli/print.ts";
import { printQuestion } from "#cli/print-question.ts";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import {
  describeInconclusive,
  isConfirmed,
  type TypedConfirmation,
} from "#domain/approval/typed-confirmation.ts";
import { formatHeadline } from "#domain/message/format-headline.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";
import { NotRunning } from "#worlds/embedded/remote-deliveries.ts";

/** `slipway approvals`, `approve` and `reject`: for when Slack is down, with the same rules. */
export const approvalCommands = (): Command[] => [
  addWorldOptions(new Command("approvals"))
    .description("list open approvals")
    .addOption(jsonOption())
    .action(({ json, ...options }: { json?: boolean } & WorldOptions) =>
      withWorld(options, async ({ world }) => {
        const questions = [];
        for (const { id, model, version, delivery, expiresAt } of await world.approvals.open()) {
          // By the message's state, so that the list and Slack show the same questions.
          const state = await world.messages.state(delivery);
          if (state?.question?.status !== "open" || state.question.approval !== id) continue;
          const { votes, quorum, approvers, stale, canaryPercent } = state.question;
          const slackProblem = await world.messages.problem(delivery);
          questions.push({
            id,
            model,
            version,
            delivery,
            says: formatHeadline(state),
            approvals: votes.length,
            quorum,
            ...(stale === null ? {} : { prodChangedTo: stale }),
            ...(canaryPercent === null ? {} : { canaryPercent }),
            approvers,
            until: new Date(expiresAt).toISOString(),
            ...(slackProblem === undefined ? {} : { slackProblem }),
          });
        }
        if (json) return printJson(questions);
        if (questions.length === 0) return print("No open approvals.");
        printTable(
          ["approval", "question", "approvals", "approvers", "until"],
          questions.map((question) => [
            question.id,
            question.says,
            `${question.approvals} of ${question.quorum}`,
            question.approvers.join(" "),
            question.until,
          ]),
        );
        for (const { id, slackProblem } of questions)
          if (slackProblem !== undefined)
            print(
              `${paint("yellow", "!")} ${id} is not up to date in Slack: ${escapeTerminalLine(slackProblem)}`,
            );
      }),
    ),
  decisionCommand("approve", "approved"),
  decisionCommand("reject", "rejected"),
];

const decisionCommand = (name: "approve" | "reject", decision: "approved" | "rejected"): Command =>
  addWorldOptions(new Command(name))
    .description(
      `${name} a deployment to prod while Slack is down: shows what Slack shows and every check, then asks`,
    )
    .argument("<approval>", "a model, a delivery, or an approval's id from `slipway approvals`")
    .addOption(new Option("--as <user>", "your Slack user id").makeOptionMandatory())
    .addOption(new Option("--reason <text>", "the reason; a rejection requires one"))
    .addOption(new Option("--yes", "do not ask on the terminal"))
    .addOption(
      new Option("--confirm <model>", "the model's name: approves although checks are inconclusive").hideHelp(
        name === "reject",
      ),
    )
    .addOption(
      new Option(
        "--break-glass",
        "as one more approver, let an approved delivery change prod although prod is closed; requires --reason",
      ).hideHelp(name === "reject"),
    )
    .action(
      (
        named: string,
        {
          breakGlass: breaksGlass,
          as,
          reason: given,
          yes,
          confirm,
          ...options
        }: {
          as: string;
          reason?: string;
          yes?: boolean;
          confirm?: string;
          breakGlass?: boolean;
        } & WorldOptions,
      ) =>
        withWorld(options, async ({ world, running, voter }) => {
          if (!running)
            throw new NotRunning(
              "no rehearsal runs on this folder, so no delivery waits for a decision: start one with `npm start`.",
            );
          if (breaksGlass) {
            if (decision === "rejected" || !given)
              throw new UsageMistake("--break-glass is for `slipway approve`, and requires --reason <text>.");
            const parsed = parseRejectionReason(given);
            if ("problem" in parsed) throw new UsageMistake(`--reason: ${parsed.problem}`);
            const broken = await breakGlass(world, { named, voter: await voter(as), reason: parsed.reason });
            if (broken.taken) return print(`${broken.id}: ${broken.sentence}`);
            printError(broken.sentence);
            process.exitCode = exitCode.failed;
            return;
          }
          const { id, state } = await findQuestion(world, named);
          if (state) printQuestion(state);
          const isAsking = state !== undefined && !yes && process.stdin.isTTY && process.stdout.isTTY;
          const typed =
            decision === "approved" && state?.question?.status === "open"
              ? state.question.confirmation
              : undefined;
          const confirmation = typed && isAsking && confirm === undefined ? await askName(typed) : confirm;
          if (typed && !isConfirmed(typed, confirmation)) {
            if (isAsking) return print("Nothing was decided.");
            throw new UsageMistake(
              escapeTerminalLine(
                `${describeInconclusive(typed)}: to approve nevertheless, add --confirm ${typed.phrase}.`,
              ),
            );
          }
          // Who has typed the name has been asked.
          const isToAsk = isAsking && !(typed && confirm === undefined);
          const reason = isToAsk ? await askPerson(name, decision, given) : (given ?? null);
          if (reason === "no") return print("Nothing was decided.");
          if (decision === "rejected" && !reason)
            throw new UsageMistake("a rejection requires --reason <text>.");
          const parsed = reason === null ? { reason: null } : parseRejectionReason(reason);
          if ("problem" in parsed) throw new UsageMistake(`--reason: ${parsed.problem}`);
          const { taken, sentence } = await submitDecision(world)({
            approval: id,
            approver: await voter(as),
            verdict: decision,
            reason: parsed.reason,
            confirmation,
          });
          if (taken) return print(`${id}: ${sentence}`);
          printError(sentence);
          process.exitCode = exitCode.failed;
        }),
    );

type World = Parameters<Parameters<typeof withWorld>[1]>[0]["world"];

/** The open question that a person names; without an open one the name is an approval's id, and its vote says what became of it. */
const findQuestion = async (
  { approvals, messages }: Pick<World, "approvals" | "messages">,
  named: string,
): Promise<{ readonly id: string; readonly state: MessageState | undefined }> => {
  const open = await approvals.open();
  const found = open.filter(({ id, delivery, model }) => [id, delivery, model].includes(named));
  const [question, another] = found;
  if (another)
    throw new UsageMistake(
      `${named} has ${found.length} open approvals: name one of ${found.map(({ id }) => id).join(", ")}.`,
    );
  if (!question && !named.includes("~"))
    throw new UsageMistake(
      `${named} has no open approval${open.length === 0 ? "." : ` (open: ${open.map(({ model }) => model).join(", ")}).`}`,
    );
  return question
    ? { id: question.id, state: await messages.state(question.delivery) }
    : { id: named, state: undefined };
};

/** Asks for the model's name; undefined: nothing is to be decided. */
const askName = async (typed: TypedConfirmation): Promise<string | undefined> => {
  const terminal = openTerminal();
  try {
    print(escapeTerminalLine(`${describeInconclusive(typed)}.`));
    return await terminal.ask(`Type ${typed.phrase} to approve nevertheless: `);
  } catch (error) {
    if (error instanceof Interrupted) return undefined;
    throw error;
  } finally {
    terminal.close();
  }
};

/** Asks on the terminal; "no": nothing is to be decided. */
const askPerson = async (
  name: "approve" | "reject",
  decision: "approved" | "rejected",
  given: string | undefined,
): Promise<string | null> => {
  const terminal = openTerminal();
  try {
    if (decision === "rejected" && given === undefined) return (await terminal.ask("Reason: ")) || "no";
    const answer = await terminal.ask(`${name === "approve" ? "Approve" : "Reject"}? (yes or no) `);
    return /^y(es)?$/i.test(answer.trim()) ? (given ?? null) : "no";
  } catch (error) {
    if (error instanceof Interrupted) return "no";
    throw error;
  } finally {
    terminal.close();
  }
};
