import * as z from "zod";
import { Prediction, type Row } from "#model-folder/manifest/manifest.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Invocation, Serving } from "#platform/serving/serving.ts";

/** The inference function's response to a direct invocation. */
const PredictPayload = z.object({ predictions: z.array(Prediction), latencyMs: z.number() });
const ProblemPayload = z.object({ status: z.int(), title: z.string(), detail: z.string().optional() });

/** The function refused the rows, or returned predictions for other rows. */
export class RowsRefused extends SlipwayError {
  override readonly name = "RowsRefused";
  override readonly retryable = false;
}

type ModelInvocation = Pick<Invocation, "durationMs" | "initMs"> & {
  readonly predictions: readonly Prediction[];
  /** Measured by the function itself, milliseconds. */
  readonly latencyMs: number;
};

/**
 * Returns one prediction for each row. `replay`, only of a version by its number: the function keeps no record and counts
 * nothing. Throws RowsRefused, FunctionFailed or NotServed.
 */
export const invokeModel =
  (serving: Pick<Serving, "invoke">) =>
  async (
    model: string,
    qualifier: "live" | { readonly version: string },
    rows: readonly Row[],
    { replay = false }: { readonly replay?: boolean } = {},
  ): Promise<ModelInvocation> => {
    const event = { rows: [...rows], ...(replay ? { replay } : {}) };
    const { payload, durationMs, initMs } = await serving.invoke(model, qualifier, event);
    const response = PredictPayload.safeParse(payload);
    if (response.success && response.data.predictions.length === rows.length)
      return { ...response.data, durationMs, ...(initMs === undefined ? {} : { initMs }) };
    const problem = ProblemPayload.safeParse(payload);
    throw new RowsRefused(
      problem.success
        ? `${problem.data.status} ${problem.data.title}${problem.data.detail ? `: ${problem.data.detail}` : ""}`
        : `the function of ${model} returned an invalid response`,
    );
  };

/** Also wide rows fit into Lambda's 6 MB. */
const maxBatchRows = 1_000;

/** Any number of rows, in order, in several invocations if necessary. */
export const invokeModelInBatches =
  (serving: Pick<Serving, "invoke">) =>
  async (
    model: string,
    qualifier: "live" | { readonly version: string },
    rows: readonly Row[],
  ): Promise<Prediction[]> => {
    const predictions: Prediction[] = [];
    for (let from = 0; from < rows.length; from += maxBatchRows)
      predictions.push(
        ...(await invokeModel(serving)(model, qualifier, rows.slice(from, from + maxBatchRows))).predictions,
      );
    return predictions;
  };
