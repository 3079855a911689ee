import type { Tensor } from "onnxruntime-node";
import { RunFailed } from "./model-errors.ts";
import type { OnShape } from "./on-shape.ts";

type Feeds = Readonly<Record<string, Tensor>>;
type Cells = { readonly length: number; slice(start: number, end: number): Cells };
type Dependencies = {
  /** The number of rows of each run. */
  readonly batch: number;
  readonly run: (feeds: Feeds, outputs: readonly string[], onShape?: OnShape) => Promise<unknown[]>;
  readonly createTensor: (like: Tensor, data: unknown, dims: readonly number[]) => Tensor;
};

const isTyped = (data: unknown): data is Float32Array =>
  ArrayBuffer.isView(data) && !(data instanceof DataView);
const isCells = (data: unknown): data is Cells => Array.isArray(data) || isTyped(data);

/** The rows from `start`, filled to `batch` rows with copies of the last one. */
const padRows = (data: Cells, start: number, count: number, width: number, batch: number): Cells => {
  const cells = data.slice(start * width, (start + count) * width);
  if (count === batch) return cells;
  const last = cells.slice((count - 1) * width, count * width);
  return joinCells([cells, ...Array.from({ length: batch - count }, () => last)]);
};

const joinCells = (parts: readonly Cells[]): Cells => {
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
  ({ batch, run, createTensor }: Dependencies) =>
  async (feeds: Feeds, outputs: readonly string[], onShape?: OnShape): Promise<unknown[]> => {
    const tensors = Object.entries(feeds);
    const rows = tensors[0]?.[1].dims[0] ?? 0;
    const parts: Cells[][] = outputs.map(() => []);
    for (let start = 0; start < rows; start += batch) {
      const count = Math.min(batch, rows - start);
      const part = Object.fromEntries(
        tensors.map(([name, tensor]) => {
          const data: unknown = tensor.data;
          if (!isCells(data)) throw new RunFailed(`the input ${name} cannot be split into batches`);
          const cells = padRows(data, start, count, data.length / rows, batch);
          return [name, createTensor(tensor, cells, [batch, ...tensor.dims.slice(1)])];
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
