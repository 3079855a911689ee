/** `310 ms`, `4.2 s`, `3 min 5 s`, `2 h 4 min`, `3 d 2 h`. */
export const formatDuration = (ms: number): string => {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1_000);
  const [large, small, largeUnit, smallUnit] =
    seconds < 3_600
      ? [Math.floor(seconds / 60), seconds % 60, "min", "s"]
      : seconds < 86_400
        ? [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), "h", "min"]
        : [Math.floor(seconds / 86_400), Math.floor((seconds % 86_400) / 3_600), "d", "h"];
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
};
