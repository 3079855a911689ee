import * as z from "zod";
import {
  defaultTrialLimits,
  type ProcessFailure,
  runLimitedProcess,
} from "#model-check/run-limited-process.ts";
import { Prediction, type Row } from "#model-folder/manifest/manifest.ts";

/** What the runtime predicts for rows, or why it refuses some of them. */
const PredictedRows = z.discriminatedUnion("status", [
  z.object({ status: z.literal("predicted"), predictions: z.array(Prediction) }),
  z.object({
    status: z.literal("invalid"),
    problems: z.array(
      z.object({ row: z.int().optional(), input: z.string().optional(), detail: z.string() }),
    ),
  }),
  z.object({ status: z.literal("failed"), message: z.string() }),
]);
export type PredictedRows = z.infer<typeof PredictedRows>;

const program = new URL("predict-rows-process.ts", import.meta.url);
const outputBytes = 64 * 1_024 * 1_024;

/**
 * Loads a model's folder and predicts rows, in a process with limits on time and memory.
 * @param files of the folder: model.yaml, the ONNX file, tokenizer.json
 */
export const predictRows = async (
  files: ReadonlyMap<string, Uint8Array>,
  rows: readonly Row[],
): Promise<PredictedRows | ProcessFailure> => {
  let result: PredictedRows | undefined;
  const processError = await runLimitedProcess({
    program,
    files: new Map([...files, ["rows.json", new TextEncoder().encode(JSON.stringify(rows))]]),
    limits: { ...defaultTrialLimits, outputBytes },
    message: PredictedRows,
    onMessage: (message) => {
      result = message;
      return undefined;
    },
  });
  return result ?? { status: "failed", message: processError ?? "the process ended without a result" };
};
