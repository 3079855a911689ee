import type { CompiledGraph, StepIndex } from "#inference/model/compiled/compiled-graph.ts";
import { listStepSources } from "#inference/model/compiled/list-step-sources.ts";

/** An element of a row in one of a graph's inputs. */
type InputElement = { readonly input: string; readonly element: number };

/** Creates a function that returns the elements of a row that a step's values depend on. */
export const listStepInputs = ({ inputs, steps }: Pick<CompiledGraph, "inputs" | "steps">) => {
  const known = new Map<StepIndex, ReadonlyMap<string, InputElement>>();
  const collect = (index: StepIndex): ReadonlyMap<string, InputElement> => {
    const before = known.get(index);
    if (before) return before;
    const step = steps[index];
    const elements = new Map<string, InputElement>();
    if (step?.step === "input")
      elements.set(`${step.input}.${step.element}`, {
        input: inputs[step.input]?.name ?? "",
        element: step.element,
      });
    else if (step)
      for (const read of listStepSources(step))
        for (const [key, element] of collect(read)) elements.set(key, element);
    known.set(index, elements);
    return elements;
  };
  return (index: StepIndex): readonly InputElement[] => [...collect(index).values()];
};
