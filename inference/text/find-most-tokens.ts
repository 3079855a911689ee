import { RunFailed } from "#inference/model/model-errors.ts";

/**
 * The most tokens with which a graph runs, by halves: a transformer's table of positions can be shorter than the manifest's
 * limit, and no graph says how long it is. Undefined where it does not run with one token either, so that their number is
 * not the cause.
 * @param failed a number of tokens with which the run failed
 * @param run throws RunFailed
 */
export const findMostTokens = async (
  failed: number,
  run: (tokens: number) => Promise<unknown>,
): Promise<number | undefined> => {
  const runs = async (tokens: number): Promise<boolean> => {
    try {
      await run(tokens);
      return true;
    } catch (error) {
      if (error instanceof RunFailed) return false;
      throw error;
    }
  };
  let low = 0;
  for (let high = failed; high - low > 1; ) {
    const middle = (low + high) >> 1;
    if (await runs(middle)) low = middle;
    else high = middle;
  }
  return low === 0 ? undefined : low;
};
