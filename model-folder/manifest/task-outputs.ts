import * as z from "zod";
import { GraphOutput, OutputName } from "./output-name.ts";

const labels = z
  .array(z.union([OutputName, z.int()]).transform(String))
  .min(2)
  .max(1_000);
const scores = z
  .enum(["probabilities", "logits"])
  .default("probabilities")
  .describe("what the graph gives; logits become probabilities");

const unit = z.string().max(32).optional();
const graphOutputs = z
  .array(GraphOutput)
  .min(1)
  .max(100)
  .optional()
  .describe(
    "the graph's outputs with the values, in their order: one for all, or one for each (the deviation last); by default those with the values' names",
  );
/** A value with or without its standard deviation; several values, or quantiles of one. */
export const RegressionOutput = z.union([
  z.strictObject({
    name: OutputName,
    unit,
    deviation: OutputName.optional().describe(
      "the name of the standard deviation that the graph gives beside the value",
    ),
    graphOutputs,
  }),
  z.strictObject({
    names: z.array(OutputName).min(2).max(100),
    unit,
    quantiles: z
      .array(z.number().gt(0).lt(1))
      .min(2)
      .optional()
      .describe(
        "where the values are quantiles of one value: the quantile of each name, in increasing order",
      ),
    graphOutputs,
  }),
]);

/** Several labels that each apply or not. */
export const MultilabelOutput = z.strictObject({
  labels: labels.describe("in the order of the graph's scores"),
  scores: z
    .enum(["probabilities", "logits", "decision"])
    .default("probabilities")
    .describe(
      "what the graph gives; logits become probabilities by the sigmoid; decision: raw values, served as they are",
    ),
  threshold: z
    .number()
    .optional()
    .describe("a label applies where its score is above this; by default 0.5, and 0 for decision"),
  thresholds: z
    .record(z.string(), z.number())
    .optional()
    .describe("thresholds of single labels, in place of threshold"),
  graphOutputs: z
    .array(GraphOutput)
    .optional()
    .describe("where the graph has one output per label: their names, in the order of labels"),
});

/** Several classifications of one row, each by an output of the graph. */
export const MultioutputOutput = z.strictObject({
  heads: z
    .array(
      z.strictObject({
        name: OutputName,
        labels,
        scores,
        graphOutput: GraphOutput.optional().describe("the output with its scores; by default its name"),
      }),
    )
    .min(2)
    .max(20),
});

/** A score of how normal a row is, and the label that the graph or a threshold makes of it. */
export const AnomalyOutput = z
  .strictObject({
    name: OutputName.default("score").describe("the score's name in responses"),
    graphOutput: GraphOutput.optional().describe("the output with the score, where the graph has several"),
    normal: z.union([OutputName, z.int()]).transform(String).default("normal"),
    anomaly: z.union([OutputName, z.int()]).transform(String).default("anomaly"),
    anomalyIs: z
      .enum(["low", "high"])
      .default("low")
      .describe("which scores are anomalous; scikit-learn's decision_function is low"),
    labelOutput: GraphOutput.optional().describe("the graph's output with the label"),
    threshold: z.number().optional().describe("without labelOutput: the score that divides the labels"),
  })
  .refine(
    ({ labelOutput, threshold }) => (labelOutput === undefined) !== (threshold === undefined),
    "an anomaly's label comes either from labelOutput or from threshold",
  );

/** The cluster of a row, and where the graph has them its distances to all clusters, or their probabilities. */
export const ClusteringOutput = z.strictObject({
  labels: labels.describe("the clusters, as the graph's label output names them"),
  labelOutput: GraphOutput.describe("the graph's output with the cluster"),
  distances: GraphOutput.optional().describe("the graph's output with a distance per cluster"),
  probabilities: GraphOutput.optional().describe(
    "the graph's output with a probability per cluster (mixtures)",
  ),
});

/** A relevance by which the rows of one group are ordered. */
export const RankingOutput = z.strictObject({
  name: OutputName.default("score"),
  graphOutput: GraphOutput.optional().describe("the output with the score, where the graph has several"),
  group: z
    .string()
    .min(1)
    .max(256)
    .default("group")
    .describe("the column of holdout.csv that says which rows are ranked together; no input of the model"),
  at: z.int().min(1).max(1_000).default(10).describe("NDCG counts the first so many rows of a group"),
});

/** A vector of fixed length. */
export const EmbeddingOutput = z.strictObject({
  name: OutputName.default("embedding"),
  graphOutput: GraphOutput.optional().describe("the output with the vectors, where the graph has several"),
  dimensions: z.int().min(1).max(65_536),
  pooling: z
    .enum(["none", "mean", "cls", "max"])
    .default("none")
    .describe(
      "how the vectors of a text's tokens become one: their mean, their largest numbers, or the first token's; special tokens count, padding does not. none: the graph gives one vector",
    ),
  normalize: z.boolean().default(false).describe("whether the vector is divided by its Euclidean length"),
});

/** A label per token of a text, joined to entities. */
export const EntitiesOutput = z.strictObject({
  graphOutput: GraphOutput.optional().describe("the output [N, tokens, labels], where the graph has several"),
  labels: labels.describe("in the order of the graph's scores, for example of id2label in config.json"),
  scores,
  scheme: z
    .enum(["BIO", "BIOES", "none"])
    .default("BIO")
    .describe(
      "BIO: B- starts an entity, I- continues it. BIOES: E- (or L-) also ends it, and S- (or U-) is an entity of one token. none: a label has no prefix",
    ),
  outside: OutputName.default("O").describe("the label of tokens that belong to no entity"),
});

export const TensorElement = z.enum([
  "float32",
  "float64",
  "float16",
  "int64",
  "int32",
  "int16",
  "int8",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "bool",
  "string",
]);

/** Outputs of any shape. */
export const TensorsOutput = z.strictObject({
  tensors: z
    .array(
      z.strictObject({
        name: OutputName,
        graphOutput: GraphOutput.optional().describe("by default its name"),
        element: TensorElement,
        shape: z
          .array(z.union([z.int().min(1), z.null()]))
          .max(8)
          .describe("of one row, without the first dimension; null: any size"),
      }),
    )
    .min(1)
    .max(20),
});
