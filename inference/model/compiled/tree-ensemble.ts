/** What a node asks about its feature; `member` asks whether it is one of a set (ai.onnx.ml 5, BRANCH_MEMBER). */
export const nodeModes = ["<=", "<", ">=", ">", "==", "!=", "member"] as const;
export type NodeMode = (typeof nodeModes)[number];

/**
 * A decision tree in arrays, one element per inner node. A child, and the root, is the index of an inner node, or `~i` for
 * leaf i. A feature that is not a number goes to `yes` where `missingIsYes` is 1, and otherwise as ONNX compares it.
 */
export type Tree = {
  readonly root: number;
  readonly feature: Int32Array;
  /** Indices into `nodeModes`. */
  readonly mode: Uint8Array;
  /** For `member`: the index into `sets`. */
  readonly threshold: Float32Array;
  readonly missingIsYes: Uint8Array;
  readonly yes: Int32Array;
  readonly no: Int32Array;
  readonly sets: readonly Float32Array[];
  /** Leaf i gives its row `leafWeight[k]` for target `leafTarget[k]`, for each k from `leafStart[i]` to `leafStart[i + 1]`. */
  readonly leafStart: Int32Array;
  readonly leafTarget: Int32Array;
  readonly leafWeight: Float32Array;
};

/** Trees of one ONNX node, as bytes of a file decide them and nothing else: no link function, no labels. */
export type TreeEnsemble = {
  readonly featureCount: number;
  /** Numbers that a row gets: one per target or class. */
  readonly width: number;
  readonly trees: readonly Tree[];
  /** Over the trees that have a weight for a target; a target that no tree weighs gets 0. */
  readonly aggregate: "sum" | "average" | "minimum" | "maximum";
  /** Added to a row's numbers after the trees. */
  readonly base: Float32Array;
};
