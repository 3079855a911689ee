import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { OutputNotFinite } from "./output-not-finite.ts";

type Heads = Extract<Manifest, { task: "multioutput" }>["output"]["heads"];
type ReadPredictions = (data: readonly unknown[], rows: number) => Prediction[];

/**
 * Reads several classifications of each row, one per output of the graph. Throws OutputNotFinite.
 * @param createReader reads one classification; `isSingle`: the output has only the second label's score
 */
export const readHeads = (
  heads: Heads,
  createReader: (head: Heads[number], isSingle: boolean) => ReadPredictions,
): ReadPredictions => {
  const readers = heads.map((head) => ({
    name: head.name,
    full: createReader(head, false),
    single: head.labels.length === 2 ? createReader(head, true) : undefined,
  }));
  return (data, rows) => {
    const predicted = readers.map(({ name, full, single }, index) => {
      const output = data[index];
      const length = ArrayBuffer.isView(output) && "length" in output ? output.length : undefined;
      const read = single && length === rows ? single : full;
      return { name, predictions: read([output], rows) };
    });
    return Array.from({ length: rows }, (_, row) => ({
      scores: {},
      heads: Object.fromEntries(
        predicted.map(({ name, predictions }) => {
          const prediction = predictions[row];
          if (prediction?.label === undefined)
            throw new OutputNotFinite(`the model returned no label of ${name} for row ${row}`);
          return [name, { label: prediction.label, scores: prediction.scores }];
        }),
      ),
    }));
  };
};
