/** Lambda's report on one call: the last line of `X-Amz-Log-Result`. */
type LambdaReport = { readonly durationMs: number; readonly initMs?: number };

/** Formats the line like Lambda, with tabs between its parts; `maxMemoryUsedMb` where it was measured. */
export const formatReportLine = (
  requestId: string,
  memoryMb: number,
  { durationMs, initMs, maxMemoryUsedMb }: LambdaReport & { readonly maxMemoryUsedMb?: number },
): string =>
  [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(durationMs)} ms`,
    `Memory Size: ${memoryMb} MB`,
    ...(maxMemoryUsedMb === undefined ? [] : [`Max Memory Used: ${maxMemoryUsedMb} MB`]),
    ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
  ].join("\t");

/** Finds and parses the line in a call's log; undefined if it is missing. */
export const parseReportLine = (log: string): LambdaReport | undefined => {
  const line = log.split("\n").findLast((candidate) => candidate.startsWith("REPORT "));
  const duration = line?.match(/\tDuration: ([\d.]+) ms/)?.[1];
  // A start from a snapshot restores in place of initializing.
  const init = line?.match(/\t(?:Init|Restore) Duration: ([\d.]+) ms/)?.[1];
  if (duration === undefined) return undefined;
  return { durationMs: Number(duration), ...(init !== undefined && { initMs: Number(init) }) };
};
