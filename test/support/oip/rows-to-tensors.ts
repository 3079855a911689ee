import { inputDatatype } from "#inference/oip/tensors-to-rows.ts";
import type { Input, Row } from "#model-folder/manifest/manifest.ts";
import type { OipTensor } from "./infer-request.ts";

const missingValues: Readonly<Record<string, unknown>> = { FP64: Number.NaN, BYTES: "" };

/** A tensor for each input, in the datatype that the model's metadata names; a missing value is `null` in JSON. */
export const rowsToTensors = (
  inputs: readonly Input[],
  rows: readonly Row[],
  as: "json" | "binary",
): OipTensor[] =>
  inputs.map((input) => ({
    name: input.name,
    datatype: inputDatatype(input),
    shape: [rows.length],
    data: rows.map((row) => row[input.name] ?? (as === "json" ? null : missingValues[inputDatatype(input)])),
  }));
