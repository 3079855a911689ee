import * as z from "zod";
import { Prediction, type Row } from "#model-folder/manifest/manifest.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Invocation, Serving } from "#platform/serving/serving.ts";

/** The inference function's answer to a direct invocation. */
const PredictPayload = z.object({ predictions: z.array(Prediction), latencyMs: z.number() });
const ProblemPayload = z.object({ status: z.int(), title: z.string(), detail: z.string().optional() });

/** The function answered, and the answer was no: the rows do not fit the model's contract. */
export class RowsRefused extends SlipwayError {
  override readonly name = "RowsRefused";
  override readonly retryable = false;
}

type ModelInvocation = Pick<Invocation, "durationMs" | "initMs"> & {
  readonly predictions: readonly Prediction[];
  /** Milliseconds that the function itself says it took. */
  readonly latencyMs: number;
};

/** One invocation with some rows, all answered. Throws RowsRefused, FunctionFailed or NotServed. */
export const invokeModel =
  (serving: Pick<Serving, "invoke">) =>
  async (
    model: string,
    qualifier: "live" | { readonly version: string },
    rows: readonly Row[],
  ): Promise<ModelInvocation> => {
    const { payload, durationMs, initMs } = await serving.invoke(model, qualifier, { rows: [...rows] });
    const answer = PredictPayload.safeParse(payload);
    if (answer.success && answer.data.predictions.length === rows.length)
      return { ...answer.data, durationMs, ...(initMs === undefined ? {} : { initMs }) };
    const refusal = ProblemPayload.safeParse(payload);
    throw new RowsRefused(
      refusal.success
        ? `${refusal.data.status} ${refusal.data.title}${refusal.data.detail ? `: ${refusal.data.detail}` : ""}`
        : `the function of ${model} gave no answer of the agreed form`,
    );
  };

/** Rows in one invocation: what fits Lambda's 6 MB with room for wide rows. */
const maxBatchRows = 1_000;

/** Any number of rows, in as many invocations as they need, in order. */
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
