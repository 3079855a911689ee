import { expect, test } from "vitest";
import { formatReportLine, parseReportLine } from "./lambda-report.ts";

test("a report line reads back as it was formatted, with and without a start", () => {
  for (const report of [{ durationMs: 12.5 }, { durationMs: 12.5, initMs: 300.25 }])
    expect(parseReportLine(`START\n${formatReportLine("id", 512, report)}\n`)).toEqual(report);
});

test("a report line names the most memory that was used where it was measured", () => {
  const line = formatReportLine("id", 512, { durationMs: 12.5, maxMemoryUsedMb: 181 });
  expect(line).toBe(
    "REPORT RequestId: id\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB\tMax Memory Used: 181 MB",
  );
  expect(parseReportLine(line)).toEqual({ durationMs: 12.5 });
});

test("the restore of a snapshot counts as the start", () => {
  // The form of https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html
  const line =
    "REPORT RequestId: id\tDuration: 4.10 ms\tBilled Duration: 5 ms\tMemory Size: 512 MB\tRestore Duration: 531.20 ms\tBilled Restore Duration: 532 ms";
  expect(parseReportLine(line)).toEqual({ durationMs: 4.1, initMs: 531.2 });
});
