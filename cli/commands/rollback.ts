import { randomUUID } from "node:crypto";
import { Command, Option } from "commander";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseCount, parseModelName, type WorldOptions } from "#cli/options.ts";
import { paint, print, printError, printJson } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { requireModel } from "#cli/require-model.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";

type Options = {
  readonly to?: number;
  readonly entry?: number;
  readonly reason: string;
  readonly json?: boolean;
} & WorldOptions;

/** `3` or, as the tables show it, `v3`. */
const parseVersion = (text: string): number => parseCount(text.replace(/^v/i, ""));

/** `slipway rollback`: puts the previous version back on prod. */
export const rollbackCommand = (): Command =>
  addWorldOptions(new Command("rollback"))
    .description(
      "put the previous version or, with --to, any that served before back on prod, or end a running canary; checks the golden vectors",
    )
    .argument("<model>", "the model", parseModelName)
    .addOption(
      new Option(
        "--to <version>",
        "a version of the registry that served prod before (default: the previous one, or the champion during a canary)",
      ).argParser(parseVersion),
    )
    .addOption(
      new Option("--entry <n>", "instead of a version: an entry of the ledger, the # in `slipway history`")
        .argParser(parseCount)
        .conflicts("to"),
    )
    .addOption(new Option("--reason <text>", "the reason, for the ledger").default("no reason given"))
    .addOption(jsonOption("from, to, digest, the ended canary, provenance"))
    .action((model: string, { to: version, entry, reason, json, ...options }: Options) =>
      withWorld(options, async (context) => {
        const { world } = context;
        await requireModel(context, model);
        showProgress(`Rolling back ${model}: the version is restored and its golden vectors are checked`);
        const startedAt = performance.now();
        const id = `rollback-${model}-${randomUUID().slice(0, 8)}`;
        const { from, to, ended, provenance, stage } = await rollBackProd(world)({
          model,
          id,
          by: `${await context.person()}: ${reason}`,
          target: version !== undefined ? { version } : entry !== undefined ? { sequence: entry } : undefined,
        });
        const ms = Math.round(performance.now() - startedAt);
        try {
          await world.audit.recordModel(model, id);
          await world.audit.anchor(model);
        } catch (error) {
          printError(`The audit trail has no entry yet; the next sweep tries again: ${String(error)}`);
        }
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
          ended && to.digest === from.digest && to.version === from.version
            ? `${paint("green", "✓")} The canary of ${ended} was ended: prod serves only ${model} v${to.version}.`
            : `${paint("green", "✓")} Prod serves ${model} v${to.version} again (before: v${from.version}).${ended ? ` The canary of ${ended} was ended.` : ""}`,
        );
        if (provenance === "absent")
          printError("This image has no provenance: it was built before Slipway recorded any.");
        print(`  Golden vectors passed, ledger written: ${ms} ms.`);
      }),
    );
