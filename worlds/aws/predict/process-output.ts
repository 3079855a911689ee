import { formatEmf } from "#platform/metrics/format-emf.ts";

type Metrics = Parameters<typeof formatEmf>[0];

/** Writes a request's metrics as a line that CloudWatch reads. */
export const reportMetrics = (metrics: Metrics): void => {
  process.stdout.write(`${formatEmf(metrics)}\n`);
};

/** Writes errors in the form of the steps' log, without a logger: it would slow each start, only for errors. */
export const createErrorLog =
  (identity: Readonly<Record<string, unknown>>) =>
  (message: string): void => {
    process.stderr.write(`${JSON.stringify({ level: "ERROR", message, ...identity })}\n`);
  };
