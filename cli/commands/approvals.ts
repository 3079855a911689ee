import { Command, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { print, printError, printJson, printTable } from "#cli/print.ts";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import { submitDecision } from "#lambdas/answer-approval/answer-approval.ts";
import { formatHeadline } from "#slack/message-blocks.ts";
import { NotRunning } from "#worlds/embedded/remote-deliveries.ts";

/** `slipway approvals`, `approve` and `reject`: for when Slack is down. The same rules as in Slack hold. */
export const approvalCommands = (): Command[] => [
  addWorldOptions(new Command("approvals"))
    .description("questions that wait for an answer")
    .addOption(jsonOption())
    .action(({ json, ...options }: { json?: boolean } & WorldOptions) =>
      withWorld(options, async ({ world }) => {
        const shown = [];
        for (const { id, model, version, delivery, expiresAt } of await world.approvals.open()) {
          // The same facts as the message, by the same rule: what has been decided, or is over, waits for nobody.
          const state = await world.messages.state(delivery);
          if (state?.question?.status !== "open" || state.question.approval !== id) continue;
          const { votes, quorum, approvers, stale } = state.question;
          shown.push({
            id,
            model,
            version,
            delivery,
            says: formatHeadline(state),
            approvals: votes.length,
            quorum,
            ...(stale === null ? {} : { prodChangedTo: stale }),
            approvers,
            until: new Date(expiresAt).toISOString(),
          });
        }
        if (json) return printJson(shown);
        if (shown.length === 0) return print("No question waits for an answer.");
        printTable(
          ["approval", "question", "approvals", "approvers", "until"],
          shown.map((each) => [
            each.id,
            each.says,
            `${each.approvals} of ${each.quorum}`,
            each.approvers.join(" "),
            each.until,
          ]),
        );
      }),
    ),
  decisionCommand("approve", "approved"),
  decisionCommand("reject", "rejected"),
];

const decisionCommand = (name: "approve" | "reject", verdict: "approved" | "rejected"): Command =>
  addWorldOptions(new Command(name))
    .description(`${name} a question when Slack cannot`)
    .argument("<approval>", "its id, from `slipway approvals`")
    .addOption(new Option("--as <user>", "your Slack user id").makeOptionMandatory())
    .addOption(new Option("--reason <text>", "why"))
    .action((id: string, { as, reason, ...options }: { as: string; reason?: string } & WorldOptions) =>
      withWorld(options, async ({ world, running, voter }) => {
        if (!running)
          throw new NotRunning(
            "no rehearsal runs on this folder, so nobody waits for the answer: start one with `npm start`.",
          );
        if (verdict === "rejected" && !reason)
          throw new UsageMistake("a rejection says why: --reason <text>.");
        const read = reason === undefined ? { reason: null } : parseRejectionReason(reason);
        if ("problem" in read) throw new UsageMistake(`--reason: ${read.problem}`);
        const { taken, sentence } = await submitDecision(world, id, await voter(as), verdict, read.reason);
        if (taken) return print(`${id}: ${sentence}`);
        printError(sentence);
        process.exitCode = exitCode.failed;
      }),
    );
