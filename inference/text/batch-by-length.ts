/** Texts of similar length for one run: `rows` are indices in the request, `tokens` is the longest length. */
export type Batch = { readonly rows: readonly number[]; readonly tokens: number };

const maxRows = 32;
/**
 * Rows × tokens of one run: bounds the memory for a run's activations. Larger runs are no faster: from 512 cells on, a
 * token costs more, because the activations leave the processor's cache (128 tokens: 4 rows 15.6 ms a row, 32 rows 19.9 ms).
 */
const maxCells = 512;
/**
 * What a run costs in addition to its cells, in cells: it reads all weights. Measured with models/review-sentiment: 1.2 ms,
 * and 0.1 ms a cell.
 */
const runCells = 12;

/**
 * Sorts texts by length and splits them into the batches that cost least: a batch is padded to its longest text, and
 * padding costs as much as text.
 * @param fixedRows for a graph that always runs with so many rows, used or not
 * @param sameLength for a graph without an attention mask, where padding would change the predictions
 */
export const batchByLength = (
  lengths: readonly number[],
  { fixedRows, sameLength = false }: { readonly fixedRows?: number; readonly sameLength?: boolean } = {},
): Batch[] => {
  const order = [...lengths.keys()].sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0));
  const tokensAt = (position: number): number => lengths[order[position] ?? 0] ?? 0;
  const rowLimit = fixedRows ?? maxRows;
  /** For the first texts of the order, as many as the index: the least cost, and where their last batch starts. */
  const costs = [0];
  const starts = [0];
  for (let end = 1; end <= order.length; end++) {
    const tokens = tokensAt(end - 1);
    let best = Number.POSITIVE_INFINITY;
    for (let start = end - 1; start >= 0 && end - start <= rowLimit; start--) {
      const rows = end - start;
      const isTooLarge = fixedRows === undefined && rows * tokens > maxCells;
      if (rows > 1 && (isTooLarge || (sameLength && tokensAt(start) !== tokens))) break;
      const cost = (costs[start] ?? 0) + runCells + (fixedRows ?? rows) * tokens;
      if (cost >= best) continue;
      best = cost;
      starts[end] = start;
    }
    costs[end] = best;
  }
  const batches: Batch[] = [];
  for (let end = order.length; end > 0; end = starts[end] ?? 0)
    batches.push({ rows: order.slice(starts[end], end), tokens: tokensAt(end - 1) });
  return batches.reverse();
};
