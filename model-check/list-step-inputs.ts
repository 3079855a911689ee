import type { CompiledGraph, StepIndex } from "#inference/model/compiled/compiled-graph.ts";

/** An element of a row in one of a graph's inputs. */
type InputElement = { readonly input: string; readonly element: number };

/** The steps that a step reads: whatever the kind of step, they are in fields of these names. */
const listReadSteps = (step: CompiledGraph["steps"][number]): readonly StepIndex[] => {
  switch (step.step) {
    case "input":
    case "constant":
      return [];
    case "convert":
    case "function":
    case "map":
    case "one-hot":
    case "look-up":
      return [step.column];
    case "arithmetic":
    case "compare":
      return [step.left, step.right];
    case "choose":
      return [step.condition, step.yes, step.no];
    case "extreme":
      return step.columns;
    case "ensemble":
      return step.features;
    case "transform":
    case "scores":
    case "label":
    case "part":
      return [step.matrix];
    default:
      return step satisfies never;
  }
};

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
      for (const read of listReadSteps(step))
        for (const [key, element] of collect(read)) elements.set(key, element);
    known.set(index, elements);
    return elements;
  };
  return (index: StepIndex): readonly InputElement[] => [...collect(index).values()];
};
