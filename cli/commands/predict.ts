import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { z } from "zod";
import type { CommandWorld } from "#cli/command-world.ts";
import { UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { print, printError, printJson, printTable } from "#cli/print.ts";
import { readCommittedModel } from "#domain/delivery/read-committed-model.ts";
import { Row } from "#model-folder/manifest/manifest.ts";
import { NotRunning } from "#worlds/embedded/remote-deliveries.ts";

const PredictionsBody = z.object({
  model: z.string(),
  version: z.union([z.string(), z.number()]),
  predictions: z.array(
    z.object({
      label: z.string().optional(),
      value: z.number().optional(),
      scores: z.record(z.string(), z.number()),
      band: z.string().optional(),
    }),
  ),
});

/** `slipway predict`: asks a deployed model over its public endpoint. */
export const predictCommand = (): Command =>
  addWorldOptions(new Command("predict"))
    .description("ask the model that prod serves; without rows, its first golden row")
    .argument("<model>", "the model", parseModelName)
    .addOption(new Option("--rows <file>", "a JSON file: one row, or an array of rows"))
    .addOption(jsonOption())
    .action((model: string, { rows, json, ...options }: { rows?: string; json?: boolean } & WorldOptions) =>
      withWorld(options, async ({ world, running, ask }) => {
        if (!running)
          throw new NotRunning(
            "no rehearsal runs on this folder, so nothing answers: start one with `npm start`.",
          );
        const asked = rows === undefined ? await readGoldenRow(world, model) : await readRows(rows);
        const { ok, body } = await ask(model, asked);
        if (!ok) {
          printError(JSON.stringify(body, undefined, 2));
          process.exitCode = exitCode.failed;
          return;
        }
        if (json) return printJson(body);
        const { version, predictions } = PredictionsBody.parse(body);
        print(`${model} version ${version}`);
        printTable(
          ["row", "answer", "band", "scores"],
          predictions.map((each, index) => [
            String(index),
            each.label ?? String(each.value),
            each.band ?? "",
            Object.entries(each.scores)
              .map(([label, score]) => `${label} ${score.toFixed(4)}`)
              .join("  "),
          ]),
        );
      }),
    );

/** A row that prod's model answers: the first of its golden vectors. */
const readGoldenRow = async (world: CommandWorld, model: string): Promise<readonly Row[]> => {
  const serving = await world.ledger.serving("prod", model);
  if (!serving) throw new UsageMistake(`prod serves no version of ${model}.`);
  return (await readCommittedModel(world)(model, serving.commit, { promoted: true })).golden.rows.slice(0, 1);
};

const readRows = async (file: string): Promise<readonly Row[]> => {
  const rows = z.union([z.array(Row), Row.transform((row) => [row])]);
  try {
    return rows.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (fault) {
    const why =
      fault instanceof z.ZodError
        ? "it holds no rows (objects of input name to value)"
        : fault instanceof Error
          ? fault.message
          : String(fault);
    throw new UsageMistake(`${file} cannot be used: ${why}`);
  }
};
