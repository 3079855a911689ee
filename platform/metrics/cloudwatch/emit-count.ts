import type { Count } from "#platform/metrics/metrics.ts";
import { formatMetricLines } from "./metric-lines.ts";

/** Writes a delivery's metrics as lines in the embedded metric format, without a client. `clock`: epoch milliseconds. */
export const emitCount =
  (needs: {
    readonly namespace: string;
    readonly emit: (line: string) => void;
    readonly clock: () => number;
  }) =>
  ({ name, value, unit, dimensions }: Count): void => {
    const { namespace, emit, clock } = needs;
    const values = [{ name, value, unit }];
    for (const line of formatMetricLines({ namespace, at: clock(), dimensions, values })) emit(line);
  };
