import type { TreeEnsemble } from "#inference/model/compiled/tree-ensemble.ts";

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** The 32-bit float that is `steps` floats away. */
const moveFloat = (value: number, steps: -1 | 0 | 1): number => {
  if (steps === 0 || !Number.isFinite(value)) return value;
  if (value === 0) return steps * 2 ** -149;
  float[0] = value;
  bits[0] = (bits[0] ?? 0) + (value > 0 ? steps : -steps);
  return float[0] ?? 0;
};

const special = [Number.NaN, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/**
 * Rows that an ensemble could confuse: each value is a threshold of its feature, the float just below or just above it, not a
 * number, a zero or infinite.
 */
export const createNeighbouringRows = (
  random: () => number,
  { featureCount, trees }: TreeEnsemble,
  count: number,
): Float32Array => {
  const thresholds = Array.from({ length: featureCount }, () => [0]);
  for (const tree of trees)
    for (const [node, feature] of tree.feature.entries()) {
      const values =
        tree.mode[node] === 6 ? tree.sets[tree.threshold[node] ?? 0] : [tree.threshold[node] ?? 0];
      thresholds[feature]?.push(...(values ?? []));
    }
  const chooseFrom = (values: readonly number[]) => values[Math.floor(random() * values.length)] ?? 0;
  return Float32Array.from({ length: count * featureCount }, (_, index) => {
    if (random() < 0.1) return chooseFrom(special);
    const step = random();
    return moveFloat(
      chooseFrom(thresholds[index % featureCount] ?? []),
      step < 0.3 ? -1 : step < 0.6 ? 1 : 0,
    );
  });
};
