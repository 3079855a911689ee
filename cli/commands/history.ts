import { Command, InvalidArgumentError, Option } from "commander";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { print, printJson, printTable } from "#cli/print.ts";
import { requireModel } from "#cli/require-model.ts";
import { describeEnd } from "#domain/ledger/describe-end.ts";
import { environments } from "#platform/serving/serving.ts";

const parseLimit = (text: string): number => {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw new InvalidArgumentError("write a number from 1 to 1000");
  return limit;
};

/** `slipway history`: the ledger of a model. */
export const historyCommand = (): Command =>
  addWorldOptions(new Command("history"))
    .description("list the versions that an environment served, and since when; newest first")
    .argument("<model>", "the model", parseModelName)
    .addOption(new Option("--environment <name>", "stage or prod").choices(environments).default("prod"))
    .addOption(new Option("--limit <n>", "the most entries to print").default(20).argParser(parseLimit))
    .addOption(jsonOption("the entries of the ledger"))
    .action(
      (
        model: string,
        options: { environment: "stage" | "prod"; limit: number; json?: boolean } & WorldOptions,
      ) =>
        withWorld(options, async (context) => {
          const { world } = context;
          await requireModel(context, model);
          const entries = await world.ledger.entries(options.environment, model, options.limit);
          if (options.json) return printJson(entries);
          if (entries.length === 0) return print(`${options.environment} has served no version of ${model}.`);
          printTable(
            ["#", "version", "status", "since", "delivery", "image", "reason"],
            entries.map((entry) => [
              String(entry.sequence),
              String(entry.version),
              entry.status,
              new Date(entry.promotedAt ?? entry.startedAt).toISOString(),
              entry.delivery,
              entry.digest.slice(0, 19),
              [
                entry.reason ??
                  (entry.approvedBy.length > 0 ? `approved by ${entry.approvedBy.join(", ")}` : ""),
                ...(entry.breakGlass
                  ? [`prod was closed; ${entry.breakGlass.user} let it: ${entry.breakGlass.reason}`]
                  : []),
                describeEnd(entry) ?? "",
              ]
                .filter((part) => part !== "")
                .join("; "),
            ]),
            { least: ["image", "delivery"] },
          );
        }),
    );
