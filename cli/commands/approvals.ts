import { Command, Option } from "commander";
import { decide } from "../../lambdas/answer-approval/answer-approval.ts";
import { NotRunning } from "../../rehearsal/control.ts";
import { exitCode, UsageMistake } from "../exit-code.ts";
import { withWorld } from "../open-world.ts";
import { inWorld, jsonOption, type WorldOptions } from "../options.ts";
import { print, printError, printJson, printTable } from "../print.ts";

/** `slipway approvals`, `approve` and `reject`: for when Slack is down. The same rules as in Slack hold. */
export const approvalCommands = (): Command[] => [
  inWorld(new Command("approvals"))
    .description("questions that wait for an answer")
    .addOption(jsonOption())
    .action(({ json, ...options }: { json?: boolean } & WorldOptions) =>
      withWorld(options, async ({ world }) => {
        const open = await world.approvals.open();
        const shown = open.map(({ id, model, version, delivery, rule, expiresAt }) => ({
          id,
          model,
          version,
          delivery,
          approvers: rule.approvers,
          until: new Date(expiresAt).toISOString(),
        }));
        if (json) return printJson(shown);
        if (shown.length === 0) return print("No question waits for an answer.");
        printTable(
          ["approval", "model", "version", "approvers", "until"],
          shown.map((each) => [
            each.id,
            each.model,
            String(each.version),
            each.approvers.join(" "),
            each.until,
          ]),
        );
      }),
    ),
  answer("approve", "approved"),
  answer("reject", "rejected"),
];

const answer = (name: "approve" | "reject", verdict: "approved" | "rejected"): Command =>
  inWorld(new Command(name))
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
        const refusal = await decide(world, id, await voter(as), verdict, reason ?? null);
        if (refusal === undefined) return print(`${id} is ${verdict}.`);
        printError(refusal);
        process.exitCode = exitCode.failed;
      }),
    );
