import { OutputNotFinite } from "./output-not-finite.ts";

export type Numbers = Float32Array | Float64Array;

/** The numbers of an output in any element type; undefined for text. Throws OutputNotFinite for integers beyond 2^53. */
const toNumbers = (data: unknown): Numbers | undefined => {
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    return Float64Array.from(data, (value) => {
      const number = Number(value);
      if (!Number.isSafeInteger(number))
        throw new OutputNotFinite(
          `the model returned the integer ${value}, which JSON cannot hold exactly (limit ±2^53)`,
        );
      return number;
    });
  if (ArrayBuffer.isView(data) && !(data instanceof DataView) && Symbol.iterator in data)
    return Float64Array.from(data as Uint8Array);
  return undefined;
};

/**
 * Checks that an output of onnxruntime has finite numbers, one of `lengths` many. Throws OutputNotFinite.
 */
export const assertFinite = (data: unknown, ...lengths: readonly number[]): Numbers => {
  const numbers = toNumbers(data);
  if (!numbers || !lengths.includes(numbers.length))
    throw new OutputNotFinite(
      `the model returned ${numbers ? `${numbers.length} numbers instead of ${lengths.join(" or ")}` : "no numbers"}`,
    );
  for (let index = 0; index < numbers.length; index++)
    if (!Number.isFinite(numbers[index]))
      throw new OutputNotFinite("the model returned a score that is not a finite number");
  return numbers;
};
