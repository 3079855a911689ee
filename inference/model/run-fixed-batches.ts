import type { FeedData } from "#model-folder/rows/feed-data.ts";
import type { Feeds } from "./feed-tensor.ts";
import { RunFailed } from "./model-errors.ts";
import type { OnShape } from "./on-shape.ts";

type Dependencies = {
  /** The number of rows of each run. */
  readonly batch: number;
  readonly run: (feeds: Feeds, outputs: readonly string[], onShape?: OnShape) => Promise<unknown[]>;
};

const isTyped = (data: unknown): data is Float32Array =>
  ArrayBuffer.isView(data) && !(data instanceof DataView);
const isCells = (data: unknown): data is FeedData => Array.isArray(data) || isTyped(data);

/** The rows from `start`, filled to `batch` rows with copies of the last one. */
const padRows = (data: FeedData, start: number, count: number, width: number, batch: number): FeedData => {
  const cells = data.slice(start * width, (start + count) * width);
  if (count === batch) return cells;
  const last = cells.slice((count - 1) * width, count * width);
  return joinCells([cells, ...Array.from({ length: batch - count }, () => last)]);
};

const joinCells = (parts: readonly FeedData[]): FeedData => {
  const [first] = parts;
  if (!isTyped(first)) return parts.flatMap((part) => (Array.isArray(part) ? part : []));
  // The same element type as the parts, whichever that is.
  const joined = Reflect.construct(first.constructor, [parts.reduce((sum, { length }) => sum + length, 0)]);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
};

/**
 * Runs rows on a graph that takes a fixed number of rows: splits them, fills the last batch with copies of its last row, and
 * drops the outputs of these. Throws RunFailed for an output that does not have one part per row.
 */
export const runFixedBatches =
  ({ batch, run }: Dependencies) =>
  async (feeds: Feeds, outputs: readonly string[], onShape?: OnShape): Promise<unknown[]> => {
    const tensors = Object.entries(feeds);
    const rows = tensors[0]?.[1].dims[0] ?? 0;
    const parts: FeedData[][] = outputs.map(() => []);
    for (let start = 0; start < rows; start += batch) {
      const count = Math.min(batch, rows - start);
      const part = Object.fromEntries(
        tensors.map(([name, tensor]) => {
          const data = padRows(tensor.data, start, count, tensor.data.length / rows, batch);
          return [name, { type: tensor.type, data, dims: [batch, ...tensor.dims.slice(1)] }];
        }),
      );
      for (const [index, data] of (await run(part, outputs, onShape)).entries()) {
        if (!isCells(data) || data.length % batch !== 0)
          throw new RunFailed(
            `the output ${outputs[index]} does not have one part for each of the graph's ${batch} rows`,
          );
        parts[index]?.push(data.slice(0, (data.length / batch) * count));
      }
    }
    return parts.map(joinCells);
  };
