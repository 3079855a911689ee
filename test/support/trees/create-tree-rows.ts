import { moveFloat } from "./move-float.ts";
import type { RandomTreeGraph } from "./random-tree-graph.ts";

const special = [Number.NaN, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/**
 * Rows for a graph of trees, row-major: each value is one that its feature is compared with, the float just below or above
 * it, the value between two of them, not a number, a zero or infinite.
 */
export const createTreeRows = (
  random: () => number,
  { thresholds, input: { type, width } }: Pick<RandomTreeGraph, "thresholds" | "input">,
  rows: number,
): Float32Array | BigInt64Array => {
  const create = (feature: number): number => {
    const own = thresholds[feature] ?? [];
    const at = () => own[Math.floor(random() * own.length)] ?? 0;
    const kind = random();
    if (kind < 0.08) return special[Math.floor(random() * special.length)] ?? 0;
    if (kind < 0.25) return (at() + at()) / 2;
    return moveFloat(at(), kind < 0.5 ? -1 : kind < 0.75 ? 1 : 0);
  };
  const length = rows * width;
  if (type === "float32") return Float32Array.from({ length }, (_, index) => create(index % width));
  return BigInt64Array.from({ length }, (_, index) => {
    const value = create(index % width);
    return BigInt(Number.isFinite(value) ? Math.round(Math.max(-(2 ** 60), Math.min(2 ** 60, value))) : 0);
  });
};
