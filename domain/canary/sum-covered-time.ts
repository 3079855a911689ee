/** From one moment up to another, which is not part of it. Epoch milliseconds. */
export type TimeSpan = { readonly from: number; readonly to: number };

/** How much of `within` the spans cover together, milliseconds: what several of them cover counts once. */
export const sumCoveredTime = (spans: readonly TimeSpan[], within: TimeSpan): number => {
  let covered = 0;
  let end = within.from;
  for (const { from, to } of spans.toSorted((left, right) => left.from - right.from)) {
    const last = Math.min(to, within.to);
    covered += Math.max(0, last - Math.max(from, end));
    end = Math.max(end, last);
  }
  return covered;
};
