import { Command, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { print, printError, printJson, printTable } from "#cli/print.ts";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import { formatHeadline } from "#slack/message-blocks.ts";
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
      }),
    ),
  decisionCommand("approve", "approved"),
  decisionCommand("reject", "rejected"),
];

const decisionCommand = (name: "approve" | "reject", decision: "approved" | "rejected"): Command =>
  addWorldOptions(new Command(name))
    .description(`${name} a deployment to prod while Slack is down`)
    .argument("<approval>", "the approval's id, from `slipway approvals`")
    .addOption(new Option("--as <user>", "your Slack user id").makeOptionMandatory())
    .addOption(new Option("--reason <text>", "the reason; a rejection requires one"))
    .action((id: string, { as, reason, ...options }: { as: string; reason?: string } & WorldOptions) =>
      withWorld(options, async ({ world, running, voter }) => {
        if (!running)
          throw new NotRunning(
            "no rehearsal runs on this folder, so no delivery waits for a decision: start one with `npm start`.",
          );
        if (decision === "rejected" && !reason)
          throw new UsageMistake("a rejection requires --reason <text>.");
        const parsed = reason === undefined ? { reason: null } : parseRejectionReason(reason);
        if ("problem" in parsed) throw new UsageMistake(`--reason: ${parsed.problem}`);
        const { taken, sentence } = await submitDecision(world)({
          approval: id,
          approver: await voter(as),
          verdict: decision,
          reason: parsed.reason,
        });
        if (taken) return print(`${id}: ${sentence}`);
        printError(sentence);
        process.exitCode = exitCode.failed;
      }),
    );
