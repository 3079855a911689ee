import fc from "fast-check";
import type { ScoreColumns } from "#inference/model/score-columns.ts";

/**
 * Generates predictions in columns: with or without labels and bands, in both precisions.
 * @param numbers the scores of each precision
 */
export const generateScoreColumns = (
  names: readonly string[],
  rows: number,
  numbers: { readonly single: fc.Arbitrary<number>; readonly double: fc.Arbitrary<number> },
): fc.Arbitrary<ScoreColumns> => {
  const length = rows * names.length;
  return fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()).chain(([hasLabels, hasBands, isSingle]) =>
    fc
      .tuple(
        fc.array(isSingle ? numbers.single : numbers.double, { minLength: length, maxLength: length }),
        fc.array(fc.nat({ max: names.length - 1 }), { minLength: rows, maxLength: rows }),
        fc.array(fc.nat({ max: 2 }), { minLength: rows, maxLength: rows }),
      )
      .map(([scores, labels, bands]) => ({
        rows,
        names,
        scores: isSingle ? Float32Array.from(scores) : Float64Array.from(scores),
        labels: hasLabels ? Int32Array.from(labels) : undefined,
        labelNames: hasLabels ? names : [],
        bands: hasLabels && hasBands ? Uint8Array.from(bands) : undefined,
      })),
  );
};
