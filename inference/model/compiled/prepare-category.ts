import { RunFailed } from "../model-errors.ts";
import { type Column, findKeyType } from "./column.ts";
import type { Step } from "./compiled-graph.ts";
import { fromScalar } from "./scalars.ts";

type Category = Extract<Step, { step: "category" }>;

/** Prepares the step that finds each value's place among the categories of OneHotEncoder, into `places`. */
export const prepareCategory = (
  { keys, mustMatch }: Category,
  source: Column,
  places: Int32Array,
): ((start: number, rows: number) => void) => {
  let known: ReadonlyMap<number | bigint | string, number> | undefined;
  const index = (): ReadonlyMap<number | bigint | string, number> => {
    const type = findKeyType(source);
    // The last of equal keys counts, as in onnxruntime.
    return new Map(keys.map((key, place) => [fromScalar(key, type), place] as const));
  };
  return (_start, rows) => {
    known ??= index();
    const { values, offset, stride } = source;
    const isFloat = values instanceof Float32Array;
    for (let row = 0; row < rows; row++) {
      const value = values[offset + row * stride] ?? "";
      // onnxruntime compares a float as the integer that it truncates to.
      const place = known.get(isFloat ? Math.trunc(Number(value)) + 0 : value);
      if (place === undefined && mustMatch)
        throw new RunFailed("a value is none of the categories that the model was trained with");
      places[row] = place ?? keys.length;
    }
  };
};
