/**
 * The paths that are written on every way to a state, with their shapes: a forward data-flow analysis to its fixed point,
 * which joins where ways meet and narrows where a Choice tests a field. Shapes are JSON Schemas, made from the contracts.
 */
import { z } from "zod";
import {
  type ChoiceRule,
  listEdges,
  listReadPaths,
  type MachineDefinition,
  type StateDefinition,
} from "./parse-definition.ts";

type Shape = {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly maximum?: number;
};
/** By first segment: all results are at `$.<Name>`. */
type Data = Readonly<Record<string, Shape>>;

export type Contracts = Readonly<Record<string, { readonly output: z.ZodType }>>;

const toShape = (schema: z.ZodType): Shape => z.toJSONSchema(schema) as Shape;
const listShapes = (shape: Shape): readonly Shape[] =>
  (shape.anyOf ?? shape.oneOf ?? [shape]).flatMap((each) => (each === shape ? [each] : listShapes(each)));
const union = (shapes: readonly Shape[]): Shape => {
  const distinct = new Map(shapes.flatMap(listShapes).map((each) => [JSON.stringify(each), each]));
  const [only, ...others] = distinct.values();
  return only !== undefined && others.length === 0 ? only : { anyOf: [...distinct.values()] };
};
const objectShape = (properties: Data): Shape => ({
  type: "object",
  properties,
  required: Object.keys(properties),
});
const constant = (value: unknown): Shape =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? objectShape(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, constant(inner)])))
    : { const: value };
const segments = (path: string) =>
  path
    .replace(/^\$\.?/, "")
    .split(".")
    .filter(Boolean);

type Lookup = { readonly shape: Shape; readonly throughNull: boolean } | undefined;
/** The shape at a path; undefined where some way does not write it. Null on the way is reported separately. */
const lookUp = (shape: Shape, path: readonly string[], throughNull = false): Lookup => {
  const [head, ...rest] = path;
  if (head === undefined) return { shape, throughNull };
  const results = listShapes(shape)
    .filter(({ type }) => type !== "null")
    .map((each) =>
      each.required?.includes(head) && each.properties?.[head]
        ? lookUp(each.properties[head], rest)
        : undefined,
    );
  const known = results.filter((each) => each !== undefined);
  if (known.length < results.length || known.length === 0) return undefined;
  return {
    shape: union(known.map((each) => each.shape)),
    throughNull:
      throughNull ||
      listShapes(shape).some(({ type }) => type === "null") ||
      known.some((each) => each.throughNull),
  };
};

const canEqual = (shape: Shape, value: unknown): boolean =>
  listShapes(shape).some((each) =>
    "const" in each ? each.const === value : (each.enum?.includes(value) ?? true),
  );
const isAlways = (shape: Shape, values: readonly unknown[]): boolean =>
  listShapes(shape).every((each) =>
    "const" in each
      ? values.includes(each.const)
      : (each.enum?.every((value) => values.includes(value)) ?? false),
  );
const getTestedValue = (rule: ChoiceRule) => rule.StringEquals ?? rule.BooleanEquals;

/** The data with only those shapes of the tested object that pass the test. */
const narrowData = (data: Data, variable: string, keep: (shape: Shape) => boolean): Data => {
  const [root, field, ...deeper] = segments(variable);
  const shape = root === undefined ? undefined : data[root];
  if (root === undefined || shape === undefined || field === undefined || deeper.length > 0) return data;
  return {
    ...data,
    [root]: union(
      listShapes(shape).filter((each) => {
        const tested = each.properties?.[field];
        return tested === undefined || keep(tested);
      }),
    ),
  };
};

const writeResult = (data: Data, path: string | undefined, shape: Shape): Data => {
  const [root, ...deeper] = segments(path ?? "$");
  if (root === undefined || deeper.length > 0)
    throw new Error(`a result belongs at $.<Name>, not at ${path ?? "$"}`);
  return { ...data, [root]: shape };
};

/** The result of a state on its way to Next. */
const inferResult = (
  name: string,
  state: StateDefinition,
  data: Data,
  contracts: Contracts,
): Shape | undefined => {
  const all = objectShape(data);
  const fill = (value: unknown): Shape =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? objectShape(
          Object.fromEntries(
            Object.entries(value).map(([key, inner]) =>
              key.endsWith(".$")
                ? [key.slice(0, -2), lookUp(all, segments(String(inner)))?.shape ?? {}]
                : [key, fill(inner)],
            ),
          ),
        )
      : constant(value);
  if (state.Type === "Task") return toShape(contracts[name]?.output ?? z.unknown());
  if (state.Type !== "Pass") return undefined;
  if (state.Result !== undefined) return constant(state.Result);
  if (state.Parameters) return fill(state.Parameters);
  return state.InputPath ? (lookUp(all, segments(state.InputPath))?.shape ?? {}) : undefined;
};
const caughtErrorShape = toShape(z.object({ Error: z.string(), Cause: z.string() }));

/** The target and the data of each transition of a state. */
const listTransitions = (
  name: string,
  state: StateDefinition,
  data: Data,
  contracts: Contracts,
): (readonly [string, Data])[] => {
  const ways: (readonly [string, Data])[] = [];
  const result = inferResult(name, state, data, contracts);
  if (state.Next) ways.push([state.Next, result ? writeResult(data, state.ResultPath, result) : data]);
  for (const { Next, ResultPath } of state.Catch ?? [])
    ways.push([Next, writeResult(data, ResultPath, caughtErrorShape)]);
  for (const rule of state.Choices ?? [])
    ways.push([
      rule.Next,
      rule.Variable
        ? narrowData(data, rule.Variable, (shape) => canEqual(shape, getTestedValue(rule)))
        : data,
    ]);
  const variables = new Set((state.Choices ?? []).map(({ Variable }) => Variable));
  const [variable] = variables;
  const values = (state.Choices ?? []).map(getTestedValue);
  if (state.Default)
    ways.push([
      state.Default,
      variable && variables.size === 1
        ? narrowData(data, variable, (shape) => !isAlways(shape, values))
        : data,
    ]);
  return ways;
};

/** The input data of each reachable state. */
const inferStateData = (
  machine: MachineDefinition,
  input: z.ZodType,
  contracts: Contracts,
): Map<string, Data> => {
  const at = new Map<string, Data>([[machine.StartAt, toShape(input).properties ?? {}]]);
  const todo = [machine.StartAt];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const [state, data] = [machine.States[name], at.get(name)];
    if (!state || !data) continue;
    for (const [to, arriving] of listTransitions(name, state, data, contracts)) {
      const before = at.get(to);
      const keys = Object.keys(arriving).filter((key) => before === undefined || key in before);
      const joined = Object.fromEntries(
        keys.map((key) => [key, union([before?.[key], arriving[key]].filter((each) => each !== undefined))]),
      );
      const text = (value: Data | undefined) =>
        JSON.stringify(
          value &&
            Object.entries(value)
              .map(([key, shape]) => [
                key,
                listShapes(shape)
                  .map((each) => JSON.stringify(each))
                  .toSorted(),
              ])
              .toSorted(),
        );
      if (text(before) === text(joined)) continue;
      at.set(to, joined);
      todo.push(to);
    }
  }
  return at;
};

/** A nullable field, and the Choice that passes only where it is not null, which no schema expresses. */
export type Guards = Readonly<Record<string, string>>;

const findReachableWithout = (machine: MachineDefinition, without: string): Set<string> => {
  const seen = new Set<string>();
  const go = (name: string): void => {
    if (name === without || seen.has(name)) return;
    seen.add(name);
    for (const { to } of listEdges(machine.States[name] ?? { Type: "" })) go(to);
  };
  go(machine.StartAt);
  return seen;
};

/** One sentence for each path that a state reads and that some way to it does not write. */
export const findUnwrittenReads = (
  machine: MachineDefinition,
  input: z.ZodType,
  contracts: Contracts,
  guards: Guards,
): string[] =>
  [...inferStateData(machine, input, contracts)].flatMap(([name, data]) =>
    listReadPaths(machine.States[name] ?? { Type: "" }).flatMap((path) => {
      const field = lookUp(objectShape(data), segments(path));
      if (!field) return [`${name} reads ${path}, which some way to it has not written`];
      const nullable = Object.entries(guards).find(
        ([guarded]) => path === guarded || path.startsWith(`${guarded}.`),
      );
      if (field.throughNull && !(nullable && !findReachableWithout(machine, nullable[1]).has(name)))
        return [`${name} reads ${path}, which lies in something that may be null`];
      return [];
    }),
  );

/** The largest possible number at a path in a state's input; infinite without a bound. */
export const findMaximum = (
  machine: MachineDefinition,
  input: z.ZodType,
  contracts: Contracts,
  name: string,
  path: string,
): number => {
  const field = lookUp(
    objectShape(inferStateData(machine, input, contracts).get(name) ?? {}),
    segments(path),
  );
  return Math.max(
    ...(field
      ? listShapes(field.shape).map(
          ({ maximum, const: value }) => maximum ?? (typeof value === "number" ? value : Infinity),
        )
      : [Infinity]),
  );
};
