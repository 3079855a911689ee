import { OutputNotFinite } from "./output-not-finite.ts";

export type Numbers = Float32Array | Float64Array;

const isNumbers = (data: unknown): data is Numbers =>
  data instanceof Float32Array || data instanceof Float64Array;

/**
 * Checks that an output of onnxruntime has finite numbers, one of `lengths` many. Throws OutputNotFinite.
 */
export const assertFinite = (data: unknown, ...lengths: readonly number[]): Numbers => {
  if (!isNumbers(data) || !lengths.includes(data.length))
    throw new OutputNotFinite(
      `the model returned ${isNumbers(data) ? `${data.length} numbers instead of ${lengths.join(" or ")}` : "no floats"}`,
    );
  if (!data.every(Number.isFinite))
    throw new OutputNotFinite("the model returned a score that is not a finite number");
  return data;
};
