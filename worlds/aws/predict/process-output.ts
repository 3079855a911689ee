import { formatEmf } from "#platform/metrics/format-emf.ts";

type Metrics = Parameters<typeof formatEmf>[0];

/** Writes a request's metrics as the line that CloudWatch reads them from. */
export const reportMetrics = (metrics: Metrics): void => {
  process.stdout.write(`${formatEmf(metrics)}\n`);
};

/** Errors in the form of the steps' log, by hand: nothing else is logged, and a logger would cost each start of the function. */
export const createErrorLog =
  (identity: Readonly<Record<string, unknown>>) =>
  (message: string): void => {
    process.stderr.write(`${JSON.stringify({ level: "ERROR", message, ...identity })}\n`);
  };
