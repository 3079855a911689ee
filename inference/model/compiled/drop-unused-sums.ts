import type { CompiledOutput, Step, StepIndex } from "./compiled-graph.ts";
import { listStepSources, mapStepSources } from "./list-step-sources.ts";

type Program = { readonly steps: readonly Step[]; readonly results: readonly CompiledOutput[] };

/**
 * Drops sums that no output needs: a MatMul is compiled before the Add behind it makes another layer of it, and a plan lists
 * all weights. Other steps without a use are small, and a graph without sums stays as it is.
 */
export const dropUnusedSums = ({ steps, results }: Program): Program => {
  if (!steps.some(({ step }) => step === "dense")) return { steps, results };
  const used = new Set<StepIndex>();
  const waiting = results.flatMap(({ columns }) => columns);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const step = steps[next];
    if (step === undefined || used.has(next)) continue;
    used.add(next);
    waiting.push(...listStepSources(step));
  }
  const kept = [...used].sort((one, other) => one - other);
  const places = new Map(kept.map((index, place) => [index, place] as const));
  const map = (index: StepIndex): StepIndex => {
    const place = places.get(index);
    if (place === undefined) throw new RangeError(`no step ${index}`);
    return place;
  };
  return {
    steps: kept.flatMap((index) => {
      const step = steps[index];
      return step === undefined ? [] : [mapStepSources(step, map)];
    }),
    results: results.map((result) => ({ ...result, columns: result.columns.map(map) })),
  };
};
