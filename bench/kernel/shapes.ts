import { z } from "zod";

/** What a shape's figures must reach: Slipway at least this many times as fast as another engine. */
type ShapeTarget = { readonly engine: string; readonly rows: number; readonly atLeast: number };

export type Shape = {
  readonly name: string;
  /** The library that trains it. */
  readonly library: "lightgbm" | "xgboost" | "catboost" | "scikit-learn" | "ydf";
  /** Of a class model: trees of all classes. */
  readonly trees: number;
  readonly depth: number;
  readonly leaves: number;
  readonly features: number;
  readonly classes: 2 | 3;
  readonly targets: readonly ShapeTarget[];
  /** Part of `--quick`. */
  readonly quick?: boolean;
};

/** `npm run bench:kernel` measures these, each with every number of rows. */
export const shapes: readonly Shape[] = [
  {
    name: "lightgbm-300-depth-6",
    library: "lightgbm",
    trees: 300,
    depth: 6,
    leaves: 63,
    features: 20,
    classes: 2,
    quick: true,
    targets: [
      { engine: "onnxruntime-node", rows: 10_000, atLeast: 9 },
      { engine: "daal4py", rows: 10_000, atLeast: 2 },
      { engine: "lleaves", rows: 10_000, atLeast: 2.5 },
      { engine: "onnxruntime-node", rows: 1, atLeast: 7 },
      { engine: "lleaves", rows: 1, atLeast: 2 },
      { engine: "timber", rows: 1, atLeast: 2 },
      { engine: "timber --no-optimize", rows: 1, atLeast: 2 },
      { engine: "treelite", rows: 1, atLeast: 2 },
      { engine: "tl2cgen", rows: 1, atLeast: 2 },
    ],
  },
  {
    name: "lightgbm-255-leaves",
    library: "lightgbm",
    trees: 300,
    depth: 20,
    leaves: 255,
    features: 20,
    classes: 2,
    targets: [
      { engine: "onnxruntime-node", rows: 10_000, atLeast: 6 },
      { engine: "daal4py", rows: 10_000, atLeast: 3 },
    ],
  },
  {
    name: "catboost-300-symmetric",
    library: "catboost",
    trees: 300,
    depth: 6,
    leaves: 64,
    features: 20,
    classes: 2,
    quick: true,
    targets: [
      { engine: "onnxruntime-node", rows: 10_000, atLeast: 30 },
      { engine: "CatBoost", rows: 10_000, atLeast: 1.5 },
    ],
  },
  {
    name: "xgboost-300-multiclass",
    library: "xgboost",
    trees: 300,
    depth: 6,
    leaves: 64,
    features: 20,
    classes: 3,
    quick: true,
    targets: [],
  },
  {
    name: "lightgbm-10-depth-3",
    library: "lightgbm",
    trees: 10,
    depth: 3,
    leaves: 8,
    features: 10,
    classes: 2,
    targets: [],
  },
  {
    name: "lightgbm-2000-depth-6",
    library: "lightgbm",
    trees: 2_000,
    depth: 6,
    leaves: 63,
    features: 50,
    classes: 2,
    targets: [],
  },
  {
    name: "xgboost-100-depth-12-500-features",
    library: "xgboost",
    trees: 100,
    depth: 12,
    leaves: 4_096,
    features: 500,
    classes: 2,
    targets: [],
  },
  {
    name: "random-forest-100-depth-10",
    library: "scikit-learn",
    trees: 100,
    depth: 10,
    leaves: 1_024,
    features: 20,
    classes: 2,
    targets: [],
  },
  {
    name: "ydf-300-depth-6",
    library: "ydf",
    trees: 300,
    depth: 6,
    leaves: 64,
    features: 20,
    classes: 2,
    targets: [],
  },
];

/** What the training script says about a model that it made. */
export const TrainedShape = z.object({
  input: z.string(),
  output: z.string(),
  /** Columns of the output. */
  columns: z.number().int().positive(),
  /** Trees and the depth that training reached. */
  trees: z.number().int().positive(),
  depth: z.number().int().nonnegative(),
});
export type TrainedShape = z.infer<typeof TrainedShape>;
