/** The part of an attribute that the analyses of a graph need. */
export type NodeAttribute = {
  /** A single integer. */
  readonly int?: number;
  /** A list or stored tensor of at most 64 integers. */
  readonly values?: readonly number[];
  /** The product of `values` as a shape. */
  readonly size?: number;
  /** Only in a function: the name of the call's attribute that replaces this one. */
  readonly ref?: string;
};

/** The part of a node that the analyses of a graph need. */
export type GraphNode = {
  readonly operator: string;
  /** "" is ONNX's own. */
  readonly domain: string;
  /** "" for an omitted one. */
  readonly inputs: readonly string[];
  /** Whether it has more inputs than are kept. */
  readonly hasMoreInputs: boolean;
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, NodeAttribute>;
};

/** A stored tensor. `values`: of at most 64 integers; absent where two graphs use the name for different tensors. */
export type GraphConstant = {
  readonly dims?: readonly number[];
  readonly values?: readonly number[];
  /** The product of its values as a shape: the largest of all tensors with this name. */
  readonly size?: number;
};
