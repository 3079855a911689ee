import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { Command, Option } from "commander";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { paint, print, printError, printJson } from "#cli/print.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";

/** `slipway rollback`: puts the previous version back on prod. */
export const rollbackCommand = (): Command =>
  addWorldOptions(new Command("rollback"))
    .description("put the previous version back on prod, or end a running canary; checks the golden vectors")
    .argument("<model>", "the model", parseModelName)
    .addOption(new Option("--reason <text>", "the reason, for the ledger").default("no reason given"))
    .addOption(jsonOption())
    .action(
      (model: string, { reason, json, ...options }: { reason: string; json?: boolean } & WorldOptions) =>
        withWorld(options, async ({ world }) => {
          const startedAt = performance.now();
          const id = `rollback-${model}-${randomUUID().slice(0, 8)}`;
          const { from, to, ended, provenance, stage } = await rollBackProd(world)({
            model,
            id,
            by: `${userInfo().username}: ${reason}`,
          });
          const ms = Math.round(performance.now() - startedAt);
          if (stage.status === "failed")
            printError(
              `Stage does not serve this version yet; the next sweep tries again: ${String(stage.error)}`,
            );
          try {
            // The version has kept its image tag, so nothing is to release.
            const images = { release: async () => undefined };
            await moveChampion({ ...world, images })({ delivery: id, model, commit: to.commit });
          } catch (error) {
            printError(
              `The registry's aliases have not moved yet; the next sweep tries again: ${String(error)}`,
            );
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
              ? `${paint("green", "✓")} The canary of ${ended} was ended: prod serves only ${model} v${to.version}.`
              : `${paint("green", "✓")} Prod serves ${model} v${to.version} again (before: v${from.version}).`,
          );
          if (provenance === "absent")
            printError("This image has no provenance: it was built before Slipway recorded any.");
          print(`  Golden vectors passed, ledger written: ${ms} ms.`);
        }),
    );
