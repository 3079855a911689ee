import { datatypeOf } from "#inference/oip/tensors-to-rows.ts";
import type { Input, Row } from "#model-folder/manifest/manifest.ts";
import type { TensorSpec } from "./write-request.ts";

const absent: Readonly<Record<string, unknown>> = { FP64: Number.NaN, BYTES: "" };

/** A tensor for each input, in the datatype that the model's metadata names; a missing value is `null` in JSON. */
export const rowTensors = (
  inputs: readonly Input[],
  rows: readonly Row[],
  as: "json" | "binary",
): TensorSpec[] =>
  inputs.map(({ name, type }) => ({
    name,
    datatype: datatypeOf[type],
    shape: [rows.length],
    data: rows.map((row) => row[name] ?? (as === "json" ? null : absent[datatypeOf[type]])),
  }));
