import { Session } from "node:inspector";

type Coverage = {
  readonly result: readonly {
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
};

/**
 * How often functions and blocks of this process's JavaScript were entered during `work`: the same number on every
 * machine and under any load. The engine's own work (a regular expression, JSON.parse) does not count.
 */
export const countCalls = (work: () => unknown): number => {
  const session = new Session();
  session.connect();
  try {
    session.post("Profiler.enable");
    session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    try {
      work();
    } catch {
      // Other tests check what it throws.
    }
    let steps = 0;
    session.post("Profiler.takePreciseCoverage", (error: Error | null, coverage: Coverage) => {
      if (error) throw error;
      for (const { functions } of coverage.result)
        for (const { ranges } of functions) for (const { count } of ranges) steps += count;
    });
    return steps;
  } finally {
    session.disconnect();
  }
};
