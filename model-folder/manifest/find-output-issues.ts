import type * as z from "zod";
import { findArrayOutputMistakes } from "./array-outputs.ts";
import type {
  AnomalyOutput,
  ClusteringOutput,
  EmbeddingOutput,
  EntitiesOutput,
  MultilabelOutput,
  MultioutputOutput,
  RankingOutput,
  RegressionOutput,
  TensorsOutput,
} from "./task-outputs.ts";

type OutputIssue = { readonly path: readonly (string | number)[]; readonly message: string };
type DescribedModel = {
  readonly inputs: readonly { readonly name: string }[];
  readonly tokenizer?: object | undefined;
} & (
  | { readonly task: "multilabel"; readonly output: z.infer<typeof MultilabelOutput> }
  | { readonly task: "regression"; readonly output: z.infer<typeof RegressionOutput> }
  | { readonly task: "anomaly"; readonly output: z.infer<typeof AnomalyOutput> }
  | { readonly task: "clustering"; readonly output: z.infer<typeof ClusteringOutput> }
  | { readonly task: "ranking"; readonly output: z.infer<typeof RankingOutput> }
  | { readonly task: "embedding"; readonly output: z.infer<typeof EmbeddingOutput> }
  | { readonly task: "entities"; readonly output: z.infer<typeof EntitiesOutput> }
  | { readonly task: "multioutput"; readonly output: z.infer<typeof MultioutputOutput> }
  | { readonly task: "tensors"; readonly output: z.infer<typeof TensorsOutput> }
  | { readonly task: "classification" }
);

const hasDuplicate = (values: readonly unknown[]): boolean => new Set(values).size < values.length;
const isShare = (value: number): boolean => value >= 0 && value <= 1;

const findMultilabelIssues = (output: z.infer<typeof MultilabelOutput>): OutputIssue[] => {
  const { labels, scores, threshold, thresholds, graphOutputs } = output;
  const limits = [
    ...(threshold === undefined ? [] : [[["output", "threshold"], threshold] as const]),
    ...Object.entries(thresholds ?? {}).map(
      ([label, value]) => [["output", "thresholds", label], value] as const,
    ),
  ];
  return [
    ...(hasDuplicate(labels) ? [{ path: ["output", "labels"], message: "a label is listed twice" }] : []),
    ...Object.keys(thresholds ?? {})
      .filter((label) => !labels.includes(label))
      .map((label) => ({
        path: ["output", "thresholds", label],
        message: "a threshold belongs to one of the labels",
      })),
    ...limits
      .filter(([, value]) => scores !== "decision" && !isShare(value))
      .map(([path]) => ({ path, message: "a threshold of probabilities is between 0 and 1" })),
    ...(graphOutputs && graphOutputs.length !== 1 && graphOutputs.length !== labels.length
      ? [
          {
            path: ["output", "graphOutputs"],
            message: `name one output of the graph for all labels, or one for each (${labels.length})`,
          },
        ]
      : []),
  ];
};

const findRegressionIssues = (output: z.infer<typeof RegressionOutput>): OutputIssue[] => {
  const values = "names" in output ? output.names.length : output.deviation === undefined ? 1 : 2;
  const quantiles = "names" in output ? output.quantiles : undefined;
  const issues: OutputIssue[] = [];
  if ("deviation" in output && output.deviation === output.name)
    issues.push({ path: ["output", "deviation"], message: "the value and its deviation have one name" });
  if (quantiles && quantiles.length !== values)
    issues.push({
      path: ["output", "quantiles"],
      message: `${quantiles.length} quantiles for ${values} names`,
    });
  if (quantiles?.some((quantile, index) => index > 0 && quantile <= (quantiles[index - 1] ?? 0)))
    issues.push({ path: ["output", "quantiles"], message: "quantiles must increase" });
  const { graphOutputs } = output;
  if (graphOutputs && graphOutputs.length !== 1 && graphOutputs.length !== values)
    issues.push({
      path: ["output", "graphOutputs"],
      message: `name one output of the graph for all values, or one for each (${values})`,
    });
  return issues;
};

const findEntitiesIssues = (output: z.infer<typeof EntitiesOutput>): OutputIssue[] => {
  const { labels, scheme } = output;
  const prefix = { BIO: /^[BI]-./, BIOES: /^[BIELSU]-./, none: /^/ }[scheme];
  return [
    ...(hasDuplicate(labels) ? [{ path: ["output", "labels"], message: "a label is listed twice" }] : []),
    ...(labels.some((label) => prefix.test(label))
      ? []
      : [
          {
            path: ["output", "scheme"],
            message: `no label starts with ${scheme === "BIO" ? "B- or I-" : "B-, I-, E- or S-"}: write scheme: none`,
          },
        ]),
    ...(scheme === "BIO" && labels.some((label) => /^[ES]-./.test(label))
      ? [{ path: ["output", "scheme"], message: "labels start with E- or S-: write scheme: BIOES" }]
      : []),
  ];
};

/** Texts of one run are filled up to one length: an output per token would hold the padding. */
const findTokenTensors = ({ tensors }: z.infer<typeof TensorsOutput>): OutputIssue[] =>
  tensors.flatMap(({ shape }, index) =>
    shape.includes(null)
      ? [
          {
            path: ["output", "tensors", index, "shape"],
            message:
              "an open dimension of a text model's output would hold the padding: use the task embedding or entities, or export fixed sizes",
          },
        ]
      : [],
  );

/** What the schema of a task's output cannot say: fields that contradict each other or the inputs. */
export const findOutputIssues = (manifest: DescribedModel): readonly OutputIssue[] => {
  switch (manifest.task) {
    case "multilabel":
      return findMultilabelIssues(manifest.output);
    case "regression":
      return findRegressionIssues(manifest.output);
    case "anomaly":
      return manifest.output.normal === manifest.output.anomaly
        ? [{ path: ["output", "anomaly"], message: "normal and anomaly are the same label" }]
        : [];
    case "clustering": {
      const { labels, distances, probabilities } = manifest.output;
      return [
        ...(hasDuplicate(labels) ? [{ path: ["output", "labels"], message: "a label is listed twice" }] : []),
        ...(distances && probabilities
          ? [
              {
                path: ["output", "probabilities"],
                message: "a cluster has distances or probabilities, not both",
              },
            ]
          : []),
      ];
    }
    case "ranking":
      return manifest.inputs.some(({ name }) => name === manifest.output.group)
        ? [
            {
              path: ["output", "group"],
              message: `${manifest.output.group} is an input; the group is no input of the model`,
            },
          ]
        : [];
    case "entities":
      return findEntitiesIssues(manifest.output);
    case "embedding":
      return manifest.output.pooling !== "none" && !manifest.tokenizer
        ? [
            {
              path: ["output", "pooling"],
              message: "pooling joins the vectors of tokens, and the manifest names no tokenizer",
            },
          ]
        : [];
    case "tensors":
      return [
        ...findArrayOutputMistakes(manifest).map(({ path, message }) => ({
          path: ["output", ...path],
          message,
        })),
        ...(manifest.tokenizer ? findTokenTensors(manifest.output) : []),
      ];
    case "multioutput":
      return findArrayOutputMistakes(manifest).map(({ path, message }) => ({
        path: ["output", ...path],
        message,
      }));
    default:
      return [];
  }
};
