import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { Command, Option } from "commander";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { paint, print, printError, printJson } from "#cli/print.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";

/** `slipway rollback`: the version before, back on prod, in one command. */
export const rollbackCommand = (): Command =>
  addWorldOptions(new Command("rollback"))
    .description(
      "put the previous version back on prod (during a canary: end the canary), proven by golden vectors",
    )
    .argument("<model>", "the model", parseModelName)
    .addOption(new Option("--reason <text>", "why; it stands in the ledger").default("no reason given"))
    .addOption(jsonOption())
    .action(
      (model: string, { reason, json, ...options }: { reason: string; json?: boolean } & WorldOptions) =>
        withWorld(options, async ({ world }) => {
          const began = performance.now();
          const id = `rollback-${model}-${randomUUID().slice(0, 8)}`;
          const { from, to, ended, provenance, stage } = await rollBackProd(world)({
            model,
            id,
            by: `${userInfo().username}: ${reason}`,
          });
          const ms = Math.round(performance.now() - began);
          if (stage.status === "failed")
            printError(`Stage does not follow yet, the next sweep tries again: ${String(stage.error)}`);
          try {
            // What served before has its tag from then.
            const images = { release: async () => undefined };
            await moveChampion({ ...world, images })({ delivery: id, model, commit: to.commit });
          } catch (fault) {
            printError(`The registry's aliases will follow at the next sweep: ${String(fault)}`);
          }
          if (json)
            return printJson({
              model,
              from: from.version,
              to: to.version,
              digest: to.digest,
              ended,
              provenance,
              ms,
            });
          print(
            ended
              ? `${paint("green", "✓")} The canary of ${ended} was ended: prod serves ${model} version ${to.version} alone.`
              : `${paint("green", "✓")} Prod serves ${model} version ${to.version} again (it was ${from.version}).`,
          );
          if (provenance === "absent")
            printError("This image is from before provenance was kept: nothing says how it was built.");
          print(`  Proven by its golden vectors and written to the ledger in ${ms} ms.`);
        }),
    );
