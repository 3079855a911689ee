import type { Outcomes } from "#domain/delivery/outcomes.ts";
import type { Deliveries, Execution } from "#platform/deliveries/deliveries.ts";
import type { Json } from "#platform/store/store.ts";

const toObject = (value: Json | undefined): { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};

/** Executions for people: an outcome that the sweep wrote replaces the engine's status. */
export const overlayOutcomes = (
  deliveries: Deliveries,
  outcomes: Outcomes,
): Pick<Deliveries, "describe" | "history" | "list"> => {
  const overlaid = async (execution: Execution): Promise<Execution> => {
    const ended = execution.status === "RUNNING" ? undefined : await outcomes.read(execution.name);
    if (!ended) return execution;
    const { error: _, ...rest } = execution;
    return ended.outcome === "failed"
      ? { ...rest, status: "FAILED", ...(ended.error ? { error: ended.error } : {}) }
      : { ...rest, status: "SUCCEEDED", output: { ...toObject(rest.output), outcome: ended.outcome } };
  };
  return {
    describe: async (name) => {
      const execution = await deliveries.describe(name);
      return execution && overlaid(execution);
    },
    history: deliveries.history,
    list: async (options) => {
      const page = await deliveries.list(options);
      return { ...page, executions: await Promise.all(page.executions.map(overlaid)) };
    },
  };
};
