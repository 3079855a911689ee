import type { CompiledResult } from "#inference/model/compiled/run-graph.ts";

type Tensor = { readonly data: unknown; readonly dims: readonly number[] };

const isList = (data: unknown): data is ArrayLike<number | bigint | string> =>
  Array.isArray(data) || (ArrayBuffer.isView(data) && !(data instanceof DataView));

/** Whether two elements are one answer: labels equal, numbers within 1e-6 × max(1, |y|), NaN only with NaN. */
const isSame = (mine: unknown, other: unknown): boolean =>
  typeof mine === "number" && typeof other === "number" && !Object.is(mine, other) && mine !== other
    ? Math.abs(mine - other) <= 1e-6 * Math.max(1, Math.abs(other))
    : Object.is(mine, other) || mine === other;

/** A sentence for each output whose type, dimensions or elements differ from onnxruntime's, with the first such element. */
export const findDifferences = (
  names: readonly string[],
  compiled: readonly CompiledResult[],
  expected: Readonly<Record<string, Tensor>>,
): readonly string[] =>
  names.flatMap((name, index) => {
    const own = compiled[index];
    const other = expected[name];
    if (own === undefined || other === undefined || !isList(other.data)) return [`${name} is missing`];
    if (own.dims.join() !== other.dims.join() || own.data.constructor !== other.data.constructor)
      return [`${name} is [${own.dims}] instead of [${other.dims}]`];
    for (let at = 0; at < other.data.length; at++)
      if (!isSame(own.data[at], other.data[at]))
        return [`${name}[${at}] is ${own.data[at]}, onnxruntime gives ${other.data[at]}`];
    return own.data.length === other.data.length ? [] : [`${name} has another length`];
  });
