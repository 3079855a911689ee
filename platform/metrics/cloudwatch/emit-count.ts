import type { Count } from "#platform/metrics/metrics.ts";
import { formatMetricLines } from "./metric-lines.ts";

/** A delivery's own metrics as lines in the embedded metric format; who only counts needs no client. `clock`: epoch ms. */
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
