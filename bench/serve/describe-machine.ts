import { availableParallelism, cpus, loadavg } from "node:os";
import type { ReportMachine } from "./report.ts";

/** The machine's load, averaged over the last minute. */
export const readLoadAverage = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;

/** The machine, for a report; read after all measurements. `loadBefore`: the load average before them. */
export const describeMachine = (
  conditions: Pick<ReportMachine, "pinned" | "rounds" | "loadBefore">,
): ReportMachine => ({
  ...conditions,
  processor: cpus()[0]?.model ?? "unknown",
  processors: availableParallelism(),
  node: process.version,
  loadAfter: readLoadAverage(),
});
