import { Command, Option } from "commander";
import { breakGlass } from "#cli/break-glass.ts";
import type { CommandContext } from "#cli/command-world.ts";
import { decideQuestion } from "#cli/decide-question.ts";
import { DecisionRefused, UsageMistake } from "#cli/errors.ts";
import { openTerminal } from "#cli/open-terminal.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson, printTable } from "#cli/print.ts";
import { printQuestion } from "#cli/print-question.ts";
import { requireModel } from "#cli/require-model.ts";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import { formatHeadline } from "#domain/message/format-headline.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";
import { NotRunning } from "#worlds/embedded/remote-deliveries.ts";

/** `slipway approvals`: what approvers are asked, for when Slack is down. */
export const approvalsCommand = (): Command =>
  addWorldOptions(new Command("approvals"))
    .description("list open approvals")
    .addOption(jsonOption("the open questions"))
    .action(({ json, ...options }: { json?: boolean } & WorldOptions) =>
      withWorld(options, async ({ world, running, where }) => {
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
        if (!running) print(`${paint("yellow", "!")} ${where}`);
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
    );

/** `slipway approve`: for when Slack is down, with the same rules. */
export const approveCommand = (): Command => decisionCommand("approve", "approved");
/** `slipway reject`, likewise. */
export const rejectCommand = (): Command => decisionCommand("reject", "rejected");

const decisionCommand = (name: "approve" | "reject", decision: "approved" | "rejected"): Command =>
  addWorldOptions(new Command(name))
    .description(
      `${name} a deployment to prod while Slack is down: shows what Slack shows and every check, then asks`,
    )
    .argument("<approval>", "a model, a delivery, or an approval's id from `slipway approvals`")
    .addOption(new Option("--as <user>", "your Slack user id").makeOptionMandatory())
    .addOption(new Option("--reason <text>", "the reason; a rejection requires one"))
    .addOption(new Option("--yes", "decide without being asked on the terminal"))
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
        await requireName(context, named);
        if (!context.running)
          throw new NotRunning(
            "no rehearsal runs on this folder, so no delivery waits for a decision: start one with `npm start`.",
          );
        const report = breaksGlass
          ? await submitBreakGlass(context, { named, decision, ...options })
          : await submitAnswer(context, { named, decision, ...options });
        if (report === undefined) return print("Nothing was decided.");
        const { id, taken, sentence } = report;
        if (!taken) throw new DecisionRefused(escapeControls(sentence));
        if (options.json)
          return printJson({
            approval: id,
            decision: breaksGlass ? "break-glass" : decision,
            taken,
            sentence,
          });
        print(escapeControls(`${id}: ${sentence}`));
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
  if (decision === "rejected") throw new UsageMistake("--break-glass is for `slipway approve`.");
  if (!given) throw new UsageMistake("--break-glass requires a reason: add --reason <text>.");
  const parsed = parseRejectionReason(given);
  if ("problem" in parsed) throw new UsageMistake(`--reason: ${parsed.problem}`);
  return await breakGlass(world, { named, voter: await voter(as), reason: parsed.reason });
};

/** Undefined: the person at the terminal decided nothing. */
const submitAnswer = async (
  context: CommandContext,
  {
    named,
    decision,
    as,
    reason,
    yes,
    confirm,
    json,
  }: DecisionOptions & { named: string; decision: Decision },
): Promise<DecisionReport | undefined> => {
  return await decideQuestion({
    world: context.world,
    voter: context.voter,
    show: (state) => json || printQuestion(state),
    openTerminal: !json && process.stdin.isTTY && process.stdout.isTTY ? () => openTerminal() : undefined,
  })({ named, as, decision, reason, confirm, yes: yes === true });
};

/** Throws ModelUnknown for a name that is neither a model nor a delivery nor an approval's id. */
const requireName = async (context: CommandContext, named: string): Promise<void> => {
  const { approvals, deliveries } = context.world;
  if (named.includes("~") || (await deliveries.describe(named))) return;
  if ((await approvals.open()).some(({ delivery, model }) => delivery === named || model === named)) return;
  await requireModel(context, named);
};
