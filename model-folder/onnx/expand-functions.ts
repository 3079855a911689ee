import type { GraphConstant, GraphNode, NodeAttribute } from "./graph-node.ts";
import { ModelUnreadable } from "./model-unreadable.ts";

/** A model's own function: a name for a list of nodes. */
export type GraphFunction = {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly GraphNode[];
  readonly constants: ReadonlyMap<string, GraphConstant>;
  /** Attributes that a call may omit. */
  readonly defaults: ReadonlyMap<string, NodeAttribute>;
  /** Size of its stored form. */
  readonly bytes: number;
};

/** Nodes in the order of their execution, and the stored tensors by name. */
export type NodeList = {
  readonly nodes: readonly GraphNode[];
  readonly constants: ReadonlyMap<string, GraphConstant>;
};

export type ExpansionLimits = {
  readonly nodes: number;
  /** Bytes of function bodies, each counted once per call: onnxruntime copies them. */
  readonly functionBytes: number;
  /** Calls within calls. */
  readonly callDepth: number;
};

/** The key of a function among the model's functions. */
export const toFunctionKey = (domain: string, name: string, overload: string): string =>
  `${domain}\0${name}\0${overload}`;

type Size = { readonly nodes: number; readonly bytes: number };
const refuse = (message: string): never => {
  throw new ModelUnreadable(message);
};

/** Counts what the calls become when they are inlined. Refuses functions that call themselves, and more than the limits. */
const measureExpansion = (
  nodes: readonly GraphNode[],
  functions: ReadonlyMap<string, GraphFunction>,
  limits: ExpansionLimits,
): void => {
  const sizes = new Map<string, Size>();
  const open = new Set<string>();
  const measure = (body: readonly GraphNode[], ownBytes: number): Size => {
    let count = 0;
    let bytes = ownBytes;
    for (const node of body) {
      const called = functions.has(node.operator) ? measureFunction(node.operator) : undefined;
      count += called?.nodes ?? 1;
      bytes += called?.bytes ?? 0;
    }
    return { nodes: count, bytes };
  };
  const measureFunction = (key: string): Size => {
    const known = sizes.get(key);
    if (known) return known;
    const name = key.split("\0")[1] ?? "";
    if (open.has(key)) refuse(`the model's function ${name} calls itself`);
    if (open.size >= limits.callDepth)
      refuse(`the model's functions call each other more than ${limits.callDepth} levels deep`);
    open.add(key);
    const called = functions.get(key);
    const size = measure(called?.nodes ?? [], called?.bytes ?? 0);
    open.delete(key);
    sizes.set(key, size);
    return size;
  };
  const total = measure(nodes, 0);
  if (total.nodes > limits.nodes)
    refuse(`the model has more than ${limits.nodes} nodes when its functions are inlined`);
  if (total.bytes > limits.functionBytes)
    refuse(`the model's functions become more than ${limits.functionBytes} bytes when they are inlined`);
  // A function that nothing calls may not call itself either: onnxruntime reads all of them.
  for (const key of functions.keys()) measureFunction(key);
};

/**
 * Inlines calls of the model's own functions, as onnxruntime does, so that the analyses see the nodes that run. The
 * `operator` of a call is its function's key. Throws ModelUnreadable for recursion and above the limits.
 */
export const expandFunctions = (
  graph: NodeList,
  functions: ReadonlyMap<string, GraphFunction>,
  limits: ExpansionLimits,
): NodeList => {
  if (functions.size === 0) return graph;
  measureExpansion(graph.nodes, functions, limits);
  const nodes: GraphNode[] = [];
  const constants = new Map(graph.constants);
  let names = 0;

  const expandCall = (call: GraphNode, called: GraphFunction): void => {
    const renamed = new Map<string, string>([["", ""]]);
    for (const [index, name] of called.inputs.entries()) renamed.set(name, call.inputs[index] ?? "");
    for (const [index, name] of called.outputs.entries())
      if (call.outputs[index]) renamed.set(name, call.outputs[index]);
    const rename = (name: string): string => {
      // No name of a file holds NUL, so these never meet one of the graph.
      const local = renamed.get(name) ?? `\0${names++}`;
      renamed.set(name, local);
      return local;
    };
    const resolve = ([name, attribute]: [string, NodeAttribute]): [string, NodeAttribute][] => {
      if (attribute.ref === undefined) return [[name, attribute]];
      const value = call.attributes.get(attribute.ref) ?? called.defaults.get(attribute.ref);
      return value ? [[name, value]] : [];
    };
    for (const [name, constant] of called.constants) constants.set(rename(name), constant);
    for (const node of called.nodes)
      append({
        ...node,
        inputs: node.inputs.map(rename),
        outputs: node.outputs.map(rename),
        attributes: new Map([...node.attributes].flatMap(resolve)),
      });
  };
  const append = (node: GraphNode): void => {
    const called = functions.get(node.operator);
    if (called) expandCall(node, called);
    else nodes.push(node);
  };
  for (const node of graph.nodes) append(node);
  return { nodes, constants };
};
