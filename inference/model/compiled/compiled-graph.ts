import type { GraphValue } from "#model-folder/onnx/graph-value.ts";

/** The element types that a compiled graph computes with. */
export const columnTypes = ["float32", "float64", "int32", "int64", "bool", "string"] as const;
export type ColumnType = (typeof columnTypes)[number];

/** One value as JSON holds it: int64 as decimal digits, and "NaN", "Infinity", "-Infinity" and "-0" as text. */
export type Scalar = number | string;

/** The number of an earlier step. */
export type StepIndex = number;

export type ArithmeticOperation = "add" | "subtract" | "multiply" | "divide" | "minimum" | "maximum";
export type Comparison = "equal" | "less" | "less-or-equal" | "greater" | "greater-or-equal";
export type ColumnFunction =
  | "negate"
  | "absolute"
  | "square-root"
  | "exponential"
  | "logarithm"
  | "sigmoid"
  | "hyperbolic-tangent"
  | "sign"
  | "not"
  | "reciprocal";
export type Transform = "none" | "logistic" | "softmax" | "softmax-zero";

/** What decides how onnxruntime turns the sums of a TreeEnsembleClassifier into scores and a label. */
export type ClassRule = {
  /** Whether the trees have weights for the class: all rows or none. */
  readonly weighed: readonly boolean[];
  readonly base: readonly Scalar[];
  /** Whether no weight is negative. */
  readonly positive: boolean;
  readonly transform: Transform;
};

/**
 * A step makes one column, or a matrix whose columns `part` picks. Steps name only earlier ones. `type` is the column's
 * element type; float32 is rounded after each step, as onnxruntime's operators do.
 */
export type Step =
  | {
      readonly step: "input";
      readonly type: ColumnType;
      /** Indices into `inputs` and into the row's elements. */
      readonly input: number;
      readonly element: number;
    }
  | { readonly step: "constant"; readonly type: ColumnType; readonly value: Scalar }
  | {
      readonly step: "convert";
      readonly type: ColumnType;
      readonly column: StepIndex;
      /** To int64: a value may be missing or beyond the range. What that becomes depends on the processor: the request is onnxruntime's. */
      readonly mayOverflow?: true;
    }
  | {
      readonly step: "arithmetic";
      readonly type: ColumnType;
      readonly operation: ArithmeticOperation;
      readonly left: StepIndex;
      readonly right: StepIndex;
    }
  | {
      readonly step: "compare";
      readonly type: "bool";
      readonly comparison: Comparison;
      readonly left: StepIndex;
      readonly right: StepIndex;
    }
  | {
      readonly step: "function";
      readonly type: ColumnType;
      readonly function: ColumnFunction;
      readonly column: StepIndex;
    }
  /** `yes` where the condition holds, else `no`. */
  | {
      readonly step: "choose";
      readonly type: ColumnType;
      readonly condition: StepIndex;
      readonly yes: StepIndex;
      readonly no: StepIndex;
    }
  /** The first key that the value equals gives the value at its place. NaN equals a NaN key. */
  | {
      readonly step: "map";
      readonly type: ColumnType;
      readonly column: StepIndex;
      readonly keys: readonly Scalar[];
      readonly values: readonly Scalar[];
      readonly fallback: Scalar;
    }
  /** The place of the last key that the value equals, or `keys.length`. A value that is no key fails the run if `mustMatch`. */
  | {
      readonly step: "category";
      readonly type: "int32";
      readonly column: StepIndex;
      readonly keys: readonly Scalar[];
      readonly mustMatch: boolean;
    }
  /** 1 where the category is `key`. */
  | {
      readonly step: "one-hot";
      readonly type: "float32";
      readonly category: StepIndex;
      readonly key: number;
    }
  /** The table's value at an index, which the compiler knows to be within it. */
  | {
      readonly step: "look-up";
      readonly type: ColumnType;
      readonly column: StepIndex;
      readonly table: readonly Scalar[];
    }
  /** The index of the greatest (or least) number, the first of equal ones. */
  | {
      readonly step: "extreme";
      readonly type: "int64";
      readonly least: boolean;
      readonly columns: readonly StepIndex[];
    }
  /** A matrix: a row's numbers of an ensemble. */
  | {
      readonly step: "ensemble";
      readonly type: "float32";
      readonly ensemble: number;
      readonly width: number;
      readonly features: readonly StepIndex[];
    }
  /**
   * A matrix: for each row of `weights` (row-major, one for each of `width`) the sum of its products with the features, and
   * its bias. It is summed in double precision and rounded once to the type.
   */
  | {
      readonly step: "dense";
      readonly type: "float32" | "float64";
      readonly width: number;
      readonly features: readonly StepIndex[];
      readonly weights: readonly Scalar[];
      readonly bias: readonly Scalar[];
    }
  /** A matrix: the numbers of another one through a transform. */
  | {
      readonly step: "transform";
      readonly type: "float32";
      readonly matrix: StepIndex;
      readonly width: number;
      readonly transform: Transform;
    }
  /** A matrix: a classifier's scores. */
  | {
      readonly step: "scores";
      readonly type: "float32";
      readonly matrix: StepIndex;
      readonly width: number;
      readonly rule: ClassRule;
    }
  /** A classifier's label. */
  | {
      readonly step: "label";
      readonly type: "int64" | "string";
      readonly matrix: StepIndex;
      readonly rule: ClassRule;
      readonly labels: readonly Scalar[];
    }
  | {
      readonly step: "part";
      readonly type: ColumnType;
      readonly matrix: StepIndex;
      readonly column: number;
    };

/** An output: its dimensions, of which "rows" is one, and the column of each element of a row, row-major. */
export type CompiledOutput = {
  readonly type: ColumnType;
  readonly dims: readonly (number | "rows")[];
  readonly columns: readonly StepIndex[];
};

/** A graph as steps over columns. It is JSON: what comes back from JSON.parse equals what went in. */
export type CompiledGraph = {
  /** As onnxruntime's session lists them. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly steps: readonly Step[];
  /** One for each of `outputs`. */
  readonly results: readonly CompiledOutput[];
};
