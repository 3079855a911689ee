import { Command, Option } from "commander";
import { z } from "zod";
import type { CommandWorld } from "#cli/command-world.ts";
import { UsageMistake } from "#cli/errors.ts";
import { formatPrediction } from "#cli/format-prediction.ts";
import { readInputFile } from "#cli/new-model/read-input-file.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { print, printJson, printTable } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { requireModel } from "#cli/require-model.ts";
import { readCommittedGolden } from "#domain/delivery/read-committed-model.ts";
import { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { NotRunning } from "#worlds/embedded/remote-deliveries.ts";

const PredictionsBody = z.object({
  model: z.string(),
  version: z.union([z.string(), z.number()]),
  predictions: z.array(Prediction.extend({ band: z.string().optional() })),
});

/** `slipway predict`: calls a deployed model. */
export const predictCommand = (): Command =>
  addWorldOptions(new Command("predict"))
    .description("call the model on prod; without --rows it sends the first golden row")
    .argument("<model>", "the model", parseModelName)
    .addOption(new Option("--rows <file>", "a JSON file: one row, or an array of rows"))
    .addOption(jsonOption("the model's response"))
    .action((model: string, { rows, json, ...options }: { rows?: string; json?: boolean } & WorldOptions) =>
      withWorld(options, async (context) => {
        const { world, running, predict } = context;
        await requireModel(context, model);
        if (!running)
          throw new NotRunning(
            "no rehearsal runs on this folder, so there is no model to call: start one with `npm start`.",
          );
        showProgress(`Calling ${model}`);
        const input = rows === undefined ? await readGoldenRow(world, model) : await readRows(rows);
        const { ok, body } = await predict(model, input);
        if (!ok) throw explainRefusal(model, body);
        if (json) return printJson(body);
        const { version, predictions } = PredictionsBody.parse(body);
        print(`${model} version ${version}`);
        printTable(
          ["row", "prediction", "band", "scores"],
          predictions.map((prediction, index) => [
            String(index),
            formatPrediction(prediction),
            prediction.band ?? "",
            Object.entries(prediction.scores)
              .map(([label, score]) => `${label} ${score.toFixed(4)}`)
              .join("  "),
          ]),
          { least: ["scores"] },
        );
      }),
    );

/** The service refused the rows, or failed. */
class PredictionFailed extends Error {
  override readonly name = "PredictionFailed";
}

const Problem = z.object({
  title: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).default([]),
});
const maxListedValues = 5;

/** The service's problem (RFC 9457) in one sentence, with the first invalid values. */
const explainRefusal = (model: string, body: unknown): PredictionFailed => {
  const problem = Problem.safeParse(body).data;
  if (!problem) return new PredictionFailed(`${model} responded with ${JSON.stringify(body)}.`);
  const { title, detail, errors } = problem;
  const listed = errors.slice(0, maxListedValues).map((each) => `${each.pointer} ${each.detail}`);
  const more = errors.length > maxListedValues ? [`and ${errors.length - maxListedValues} more`] : [];
  const values = [...listed, ...more].join("; ");
  return new PredictionFailed(
    `${model}: ${title}. ${detail ?? ""}${values === "" ? "" : ` ${values}.`}`.trimEnd(),
  );
};

/** The first golden row of the version on prod. */
const readGoldenRow = async (world: CommandWorld, model: string): Promise<readonly Row[]> => {
  const serving = await world.ledger.serving("prod", model);
  if (!serving) throw new UsageMistake(`prod serves no version of ${model}.`);
  return (await readCommittedGolden(world)(model, serving.commit, { promoted: true })).rows.slice(0, 1);
};

const readRows = async (file: string): Promise<readonly Row[]> => {
  const rows = z.union([z.array(Row), Row.transform((row) => [row])]);
  const text = new TextDecoder().decode(await readInputFile(file));
  try {
    return rows.parse(JSON.parse(text));
  } catch (error) {
    const reason =
      error instanceof z.ZodError
        ? "it must hold rows, objects of input names and values"
        : error instanceof Error
          ? error.message
          : String(error);
    throw new UsageMistake(`${file} cannot be used: ${reason}`);
  }
};
