import type { WholeNode } from "#model-folder/onnx/read-graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { FixedTensor, RowTensor, Value } from "./row-tensor.ts";

/** What a node's inputs are, and where its steps go. */
export type OperatorContext = {
  readonly builder: GraphBuilder;
  /** Version of the node's operator set. */
  readonly version: number;
  /** All inputs in order; undefined for an omitted one. */
  readonly values: readonly (Value | undefined)[];
  /** An input that depends on the row. Throws NotCompiled otherwise. */
  rows(index: number): RowTensor;
  /** An input that is the same for every request; undefined if it is omitted. Throws NotCompiled otherwise. */
  fixed(index: number): FixedTensor | undefined;
};

/** Compiles a node to the values of its outputs, in order. Throws NotCompiled for what the rules do not cover. */
export type CompileOperator = (node: WholeNode, context: OperatorContext) => readonly Value[];
