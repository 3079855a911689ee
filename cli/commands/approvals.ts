import { Command, Option } from "commander";
import { breakGlass } from "#cli/break-glass.ts";
import type { CommandContext } from "#cli/command-world.ts";
import { UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { Interrupted, openTerminal } from "#cli/open-terminal.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { paint, print, printError, printJson, printTable } from "#cli/print.ts";
import { printQuestion } from "#cli/print-question.ts";
import { requireModel } from "#cli/require-model.ts";
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
          { least: ["approvers", "until"] },
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
    .addOption(jsonOption("what became of the decision; it asks nothing"))
    .action((named: string, { breakGlass: breaksGlass, ...options }: DecisionOptions) =>
      withWorld(options, async (context) => {
        if (!context.running)
          throw new NotRunning(
            "no rehearsal runs on this folder, so no delivery waits for a decision: start one with `npm start`.",
          );
        const report = breaksGlass
          ? await submitBreakGlass(context, { named, decision, ...options })
          : await submitAnswer(context, { named, name, decision, ...options });
        if (report === undefined) return print("Nothing was decided.");
        const { id, taken, sentence } = report;
        if (!taken) process.exitCode = exitCode.failed;
        if (options.json) return printJson({ approval: id, decision, taken, sentence });
        if (taken) print(`${id}: ${sentence}`);
        else printError(sentence);
      }),
    );

type DecisionOptions = {
  readonly as: string;
  readonly reason?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly confirm?: string;
  readonly breakGlass?: boolean;
} & WorldOptions;
type Decision = "approved" | "rejected";
type DecisionReport = { readonly id: string; readonly taken: boolean; readonly sentence: string };

const submitBreakGlass = async (
  { world, voter }: CommandContext,
  { named, decision, as, reason: given }: DecisionOptions & { named: string; decision: Decision },
): Promise<DecisionReport> => {
  if (decision === "rejected" || !given)
    throw new UsageMistake("--break-glass is for `slipway approve`, and requires --reason <text>.");
  const parsed = parseRejectionReason(given);
  if ("problem" in parsed) throw new UsageMistake(`--reason: ${parsed.problem}`);
  return await breakGlass(world, { named, voter: await voter(as), reason: parsed.reason });
};

/** Undefined: the person at the terminal decided nothing. */
const submitAnswer = async (
  context: CommandContext,
  {
    named,
    name,
    decision,
    as,
    reason: given,
    yes,
    confirm,
    json,
  }: DecisionOptions & { named: string; name: "approve" | "reject"; decision: Decision },
): Promise<DecisionReport | undefined> => {
  const { id, state } = await findQuestion(context, named);
  if (state && !json) printQuestion(state);
  const isAsking = state !== undefined && !yes && !json && process.stdin.isTTY && process.stdout.isTTY;
  const typed =
    decision === "approved" && state?.question?.status === "open" ? state.question.confirmation : undefined;
  const confirmation = typed && isAsking && confirm === undefined ? await askName(typed) : confirm;
  if (typed && !isConfirmed(typed, confirmation)) {
    if (isAsking) return undefined;
    throw new UsageMistake(
      escapeTerminalLine(
        `${describeInconclusive(typed)}: to approve nevertheless, add --confirm ${typed.phrase}.`,
      ),
    );
  }
  // Who has typed the name has been asked.
  const isToAsk = isAsking && !(typed && confirm === undefined);
  const reason = isToAsk ? await askPerson(name, decision, given) : (given ?? null);
  if (reason === "no") return undefined;
  if (decision === "rejected" && !reason) throw new UsageMistake("a rejection requires --reason <text>.");
  const parsed = reason === null ? { reason: null } : parseRejectionReason(reason);
  if ("problem" in parsed) throw new UsageMistake(`--reason: ${parsed.problem}`);
  const approver = await context.voter(as);
  const answer = { approval: id, approver, verdict: decision, reason: parsed.reason, confirmation };
  return { id, ...(await submitDecision(context.world)(answer)) };
};

/** The open question that a person names; without an open one the name is an approval's id, and its vote says what became of it. */
const findQuestion = async (
  context: Pick<CommandContext, "world" | "head">,
  named: string,
): Promise<{ readonly id: string; readonly state: MessageState | undefined }> => {
  const { approvals, messages, deliveries } = context.world;
  const open = await approvals.open();
  const found = open.filter(({ id, delivery, model }) => [id, delivery, model].includes(named));
  const [question, another] = found;
  if (another)
    throw new UsageMistake(
      `${named} has ${found.length} open approvals: name one of ${found.map(({ id }) => id).join(", ")}.`,
    );
  // A delivery or an approval's id is no model.
  if (!question && !named.includes("~") && !(await deliveries.describe(named)))
    await requireModel(context, named);
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
