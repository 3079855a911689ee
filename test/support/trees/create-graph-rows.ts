import type { CompiledGraph, Step, StepIndex } from "#inference/model/compiled/compiled-graph.ts";
import { listStepSources } from "#inference/model/compiled/list-step-sources.ts";
import type { CompiledFeed } from "#inference/model/compiled/run-graph.ts";
import type { TreeEnsemble } from "#inference/model/compiled/tree-ensemble.ts";
import { moveFloat } from "./move-float.ts";

type Compiled = { readonly graph: CompiledGraph; readonly ensembles: readonly TreeEnsemble[] };
/** What an element of an input is compared with: numbers, and the keys of encoders as JSON holds them. */
type Candidates = { readonly numbers: number[]; readonly keys: string[] };

/** The elements of inputs that a step depends on. */
const findInputs = (steps: readonly Step[], start: StepIndex): readonly string[] => {
  const found = new Set<string>();
  const waiting = [start];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const step = steps[next];
    if (step === undefined) continue;
    if (step.step === "input") found.add(`${step.input} ${step.element}`);
    else waiting.push(...listStepSources(step));
  }
  return [...found];
};

const listThresholds = ({ trees }: TreeEnsemble, feature: number): readonly number[] =>
  trees.flatMap((tree) =>
    [...tree.feature.keys()]
      .filter((node) => tree.feature[node] === feature)
      .flatMap((node) => {
        const threshold = tree.threshold[node] ?? 0;
        return tree.mode[node] === 6 ? [...(tree.sets[threshold] ?? [])] : [threshold];
      }),
  );

const collectCandidates = ({ graph: { steps }, ensembles }: Compiled): ReadonlyMap<string, Candidates> => {
  const all = new Map<string, Candidates>();
  const add = (start: StepIndex, numbers: readonly number[], keys: readonly string[]): void => {
    for (const input of findInputs(steps, start)) {
      const own = all.get(input) ?? { numbers: [], keys: [] };
      all.set(input, own);
      own.numbers.push(...numbers);
      own.keys.push(...keys);
    }
  };
  for (const step of steps) {
    if (step.step === "category" || step.step === "map") add(step.column, [], step.keys.map(String));
    if (step.step === "category" && !step.mustMatch) add(step.column, [], ["7654321"]);
    if (step.step === "ensemble")
      for (const [feature, column] of step.features.entries()) {
        const ensemble = ensembles[step.ensemble];
        if (ensemble) add(column, listThresholds(ensemble, feature), []);
      }
  }
  return all;
};

/**
 * Rows for a compiled graph that it could confuse: each number is one that a tree asks for, the float just below or above it,
 * one beside it, or not a number (of a sum it is from -3 to 3); each text and integer is a key of an encoder, or an unknown one where encoders take it.
 */
export const createGraphRows = (
  random: () => number,
  compiled: Compiled,
  rows: number,
): Readonly<Record<string, CompiledFeed>> => {
  const candidates = collectCandidates(compiled);
  const one = <T>(list: readonly T[], otherwise: T): T =>
    list[Math.floor(random() * list.length)] ?? otherwise;
  const createNumber = ({ numbers }: Candidates): number => {
    const kind = random();
    // Nothing compares the number: it is one of a sum.
    if (numbers.length === 0) return kind < 0.1 ? Math.round(random() * 4 - 2) : (random() - 0.5) * 6;
    const at = one(numbers, 0);
    if (kind < 0.05) return Number.NaN;
    if (kind < 0.3) return at * (1 + (random() - 0.5) / 4) + (random() - 0.5);
    return moveFloat(at, kind < 0.5 ? -1 : kind < 0.75 ? 1 : 0);
  };
  const feeds = compiled.graph.inputs.map((input, index): readonly [string, CompiledFeed] => {
    if (input.kind !== "tensor" || input.shape === null) throw new TypeError(`${input.name} is no tensor`);
    const dims = [rows, ...input.shape.slice(1).map(Number)];
    const width = dims.slice(1).reduce((product, size) => product * size, 1);
    const length = rows * width;
    const at = (position: number): Candidates =>
      candidates.get(`${index} ${position % width}`) ?? { numbers: [], keys: [] };
    const create = (): unknown => {
      switch (input.type) {
        case "float32":
          return Float32Array.from({ length }, (_, position) => createNumber(at(position)));
        case "float64":
          return Float64Array.from({ length }, (_, position) => createNumber(at(position)));
        case "int64":
          return BigInt64Array.from({ length }, (_, position) => {
            const { keys, numbers } = at(position);
            return BigInt(
              one(keys, String(Math.round(numbers.length === 0 ? random() * 60 : one(numbers, 0)))),
            );
          });
        case "string":
          return Array.from({ length }, (_, position) => one(at(position).keys, "unknown"));
        default:
          throw new TypeError(`no rows for ${input.type}`);
      }
    };
    return [input.name, { type: input.type, data: create(), dims }];
  });
  return Object.fromEntries(feeds);
};
