/**
 * The lines that Lambda itself writes for a call that succeeds.
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
 */
const id = "79b4f56e-95b1-4643-9700-2807f4e68189";
const textLines = [
  `START RequestId: ${id} Version: 12\n`,
  `END RequestId: ${id}\n`,
  `REPORT RequestId: ${id}\tDuration: 7.34 ms\tBilled Duration: 8 ms\tMemory Size: 1769 MB\tMax Memory Used: 164 MB\t\n`,
];
const jsonLines = [
  { time: "2026-11-29T10:00:00.000Z", type: "platform.start", record: { requestId: id, version: "$LATEST" } },
  {
    time: "2026-11-29T10:00:00.000Z",
    type: "platform.report",
    record: {
      requestId: id,
      metrics: { durationMs: 7.34, billedDurationMs: 8, memorySizeMB: 512, maxMemoryUsedMB: 110 },
      status: "success",
    },
  },
].map((line) => `${JSON.stringify(line)}\n`);

/** CloudWatch counts 26 bytes more for each line. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Quotas.html */
const bytesPerLine = 26;

/** The size of lines as CloudWatch counts it. */
export const countLogBytes = (lines: readonly string[]): number =>
  lines.reduce((total, line) => total + Buffer.byteLength(line) + bytesPerLine, 0);

/** Bytes of Lambda's own lines per call. `systemLevel` is LoggingConfig's: WARN leaves out what succeeded. */
export const countLambdaLogBytes = (format: "JSON" | "Text", systemLevel: string | undefined): number => {
  if (format === "Text") return countLogBytes(textLines);
  return systemLevel === "WARN" ? 0 : countLogBytes(jsonLines);
};
