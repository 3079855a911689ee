import * as z from "zod";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { createImageInput, createTensorInput, findArrayInputMistakes } from "./array-inputs.ts";
import { Artifact } from "./artifact.ts";
import { findOutputIssues } from "./find-output-issues.ts";
import { findTextIssues } from "./find-text-issues.ts";
import { listMeasurableScores, type ScoreName, scoreNames, taskScores } from "./list-measurable-scores.ts";
import { GraphOutput, OutputName } from "./output-name.ts";
import { ChangeRule } from "./prod-hours.ts";
import {
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
import { valueNames } from "./value-names.ts";

/** A model's name: function names, image tags and URLs contain it. */
export const ModelName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    "a model's name has 1 to 40 characters of a-z, 0-9 and -, and starts with a letter",
  );

/** An ISO 8601 duration without years and months, for example `PT30M` or `P1DT6H`. */
export const Duration = z
  .string()
  .regex(
    /^P(?=\d|T\d)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$/,
    "a duration has a form like PT30M, PT6H or P1D (ISO 8601)",
  );

/** Converts a duration that `Duration` accepts to seconds. */
export const durationToSeconds = (duration: string): number => {
  const [, days, hours, minutes, seconds] =
    duration.match(/^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/) ?? [];
  return (
    Number(days ?? 0) * 86_400 + Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)
  );
};

/**
 * A column's name as its table has it: any text of 1 to 256 characters. A control character could not be seen, and half of
 * a surrogate pair has no UTF-8.
 */
export const InputName = z
  .string()
  .min(1, "an input's name has at least one character")
  .max(256, "an input's name has at most 256 characters")
  .refine((name) => name.isWellFormed(), "an input's name has half of a surrogate pair")
  .refine((name) => !/\p{Cc}/u.test(name), "an input's name has no control character (tab, line end)");
const required = z
  .boolean()
  .default(true)
  .describe("false: the value may be missing or null, and reaches the model as NaN");

/** One column of the model's public contract. */
export const Input = z.discriminatedUnion("type", [
  z.strictObject({ name: InputName, type: z.literal("integer"), min: z.int(), max: z.int(), required }),
  z.strictObject({
    name: InputName,
    type: z.literal("number"),
    min: z.number(),
    max: z.number(),
    required,
  }),
  z.strictObject({
    name: InputName,
    type: z.literal("category"),
    values: z.array(z.string().max(256)).min(1).max(10_000),
    unknown: z
      .enum(["refuse", "map"])
      .default("refuse")
      .describe("map: an unknown category reaches the model as it is"),
    required,
  }),
  z.strictObject({
    name: InputName,
    type: z.literal("string"),
    maxLength: z.int().min(1).max(1_000_000).default(10_000),
    // Without a default: an image holds the manifest, and its digest must not change where nobody asks for this.
    format: z
      .literal("int64")
      .optional()
      .describe(
        "an identifier of up to 19 digits that reaches the graph as int64; text, because a JSON number beyond 2^53 loses digits",
      ),
    required,
  }),
  z.strictObject({ name: InputName, type: z.literal("boolean"), required }),
  createTensorInput(InputName),
  createImageInput(InputName),
]);
export type Input = z.infer<typeof Input>;

const share = z.number().min(0).max(1);
/** A metric where higher is better: its minimum, and how much worse than the champion it may be. */
const HighScore = z.strictObject({ min: z.number(), notWorseThanChampionBy: z.number().min(0).optional() });
/** A metric where lower is better. */
const LowScore = z.strictObject({
  max: z.number().min(0),
  notWorseThanChampionBy: z.number().min(0).optional(),
});

export const Gates = z.strictObject({
  accuracy: HighScore.optional(),
  auc: HighScore.optional(),
  mae: LowScore.optional(),
  rmse: LowScore.optional(),
  f1: HighScore.optional().describe("of an anomaly's label"),
  f1Micro: HighScore.optional().describe("F1 over all labels together"),
  f1Macro: HighScore.optional().describe("the mean of each label's F1"),
  ndcg: HighScore.optional().describe("the mean NDCG of the groups, each of its first output.at rows"),
  pinball: LowScore.optional().describe("the mean pinball loss of the quantiles"),
  coverage: z
    .strictObject({
      min: share,
      max: share.optional().describe("above it the interval is too wide"),
      notWorseThanChampionBy: z.number().min(0).optional(),
    })
    .optional()
    .describe(
      "the share of true values from the lowest to the highest quantile, or within the 95 % interval of value and deviation",
    ),
  latencyP95Ms: z.number().positive(),
  imageSizeMb: z.number().positive(),
  vulnerabilities: z.strictObject({ critical: z.int().min(0), high: z.int().min(0) }),
});
export type Gates = z.infer<typeof Gates>;

export const SlackUser = z
  .string()
  .regex(/^[UW][A-Z0-9]{2,20}$/, "an approver is a Slack user id, for example U024BE7LH");

/** A Slack user, or a user group: each of its members. */
export const Approver = z
  .string()
  .regex(
    /^[UWS][A-Z0-9]{2,20}$/,
    "an approver is a Slack user id, for example U024BE7LH, or a user group's, for example S0614TZR7",
  );

export const isUserGroup = (approver: string): boolean => approver.startsWith("S");

export const ApprovalRule = z.strictObject({
  approvers: z.array(Approver).min(1).max(50),
  quorum: z.int().min(1).max(10),
  authorMayApprove: z.boolean(),
  timeout: Duration,
});
export type ApprovalRule = z.infer<typeof ApprovalRule>;

/**
 * What follows when a bake ends without a verdict. `extend`: bake until `atMost`, then roll back. `ask`: bake until
 * `atMost`, then ask the approvers. `roll-back`: at once.
 */
export const OnInconclusive = z.enum(["extend", "ask", "roll-back"]);
export type OnInconclusive = z.infer<typeof OnInconclusive>;

export const CanaryRule = z.strictObject({
  /** Percent of the traffic, increasing. */
  steps: z.array(z.int().min(1).max(99)).min(1).max(10),
  bake: Duration,
  minSamples: z.int().min(1),
  onInconclusive: OnInconclusive,
  atMost: Duration,
});
export type CanaryRule = z.infer<typeof CanaryRule>;

const fields = {
  name: ModelName,
  owner: z
    .string()
    .min(1)
    .max(200)
    .describe(
      "who is told when a delivery fails: an e-mail address, or the id of a Slack user or user group, for example S0614TZR7",
    ),
  description: z.string().max(2_000).optional(),
  artifact: Artifact.default("model.onnx"),
  inputs: z.array(Input).min(1).max(2_000),
  gates: Gates,
  approval: ApprovalRule,
  canary: CanaryRule,
  // Without a default: an image holds the manifest, and its digest must not change where nobody asks for this.
  engine: z
    .enum(["compiled", "onnxruntime"])
    .optional()
    .describe(
      "what predicts; without it, ensembles of trees are compiled where they can be, and all else runs in onnxruntime. compiled: refuse a graph that cannot be compiled. onnxruntime: never compile",
    ),
  // Without a default, for the same reason.
  changes: ChangeRule.optional(),
  resources: z.strictObject({
    memoryMb: z.int().min(128).max(10_240),
    timeoutSeconds: z.int().min(1).max(900),
    // Without a default: an image holds the manifest, and its digest must not change where nobody asks for this.
    snapStart: z
      .boolean()
      .optional()
      .describe(
        "on AWS, start from a snapshot of the loaded model: for models that take seconds to load; each kept version costs by the hour; only where the platform's policy allows it",
      ),
  }),
  records: z.strictObject({ inputs: z.enum(["full", "hashed", "none"]), ttlDays: z.int().min(1).max(3_650) }),
  tokenizer: z
    .strictObject({
      file: z
        .string()
        .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\.json$/, "the tokenizer is a .json file beside model.yaml")
        .default("tokenizer.json"),
      maxTokens: z
        .int()
        .min(8)
        .max(8_192)
        .describe("special tokens count; longer texts are cut off, or refused where entities would be lost"),
      text: z
        .string()
        .optional()
        .describe("the input with the text, where several are of type string; the others are columns"),
      pair: z
        .tuple([z.string(), z.string()])
        .optional()
        .describe(
          "for cross-encoders: the two inputs that are tokenized as one pair, the first one first, for example [question, passage]",
        ),
    })
    .optional()
    .describe(
      "for graphs that take input_ids: the Hugging Face tokenizer that makes them of the text input, or of a pair of them; other inputs are columns of the graph's other inputs",
    ),
};

const ClassificationOutput = z
  .strictObject({
    /** In the column order of the model's scores. */
    labels: z
      .array(z.union([OutputName, z.int()]))
      .min(2)
      .max(1_000),
    labelType: z
      .enum(["string", "integer"])
      .optional()
      .describe(
        "what protocols with types answer labels as; integer where all labels are written as numbers",
      ),
    positive: z.union([z.string(), z.int()]).optional(),
    bands: z.strictObject({ low: share, high: share }).optional(),
    scores: z
      .enum(["probabilities", "logits", "decision", "none"])
      .default("probabilities")
      .describe(
        "what the graph gives; logits become probabilities by softmax; decision: raw values, served as they are, never as probabilities (of two labels: one value, above 0 for positive); none: labels alone, from labelOutput",
      ),
    labelOutput: GraphOutput.optional().describe(
      "the graph's output with the label of each row (text or integers, [N] or [N, 1]); without it the label is the one with the highest score",
    ),
  })
  // Inside Slipway a label is text, because it is a key of scores and part of a metric's name.
  .transform(({ labels, labelType, positive, ...rest }) => ({
    ...rest,
    labels: labels.map(String),
    labelType: labelType ?? (labels.every((label) => typeof label === "number") ? "integer" : "string"),
    ...(positive === undefined ? {} : { positive: String(positive) }),
  }));

const describeWrongGate = (
  gate: ScoreName,
  task: Manifest["task"],
  measurable: readonly string[],
): string => {
  const has = `${task} has ${measurable.length === 0 ? "none" : measurable.join(" and ")}`;
  const scores: readonly ScoreName[] = taskScores[task];
  if (scores.includes(gate)) return `${gate} is no gate of this output; it has ${measurable.join(" and ")}`;
  const tasks = Object.entries(taskScores).flatMap(([name, scores]: [string, readonly ScoreName[]]) =>
    scores.includes(gate) ? [name] : [],
  );
  return `${gate} is a gate of ${tasks.join(" and ")}; ${has}`;
};

/** A model's manifest, `models/<name>/model.yaml`. */
export const Manifest = z
  .discriminatedUnion("task", [
    z.strictObject({
      ...fields,
      task: z.literal("classification"),
      output: ClassificationOutput,
    }),
    z.strictObject({
      ...fields,
      task: z.literal("regression"),
      output: RegressionOutput,
    }),
    z.strictObject({ ...fields, task: z.literal("multilabel"), output: MultilabelOutput }),
    z.strictObject({ ...fields, task: z.literal("multioutput"), output: MultioutputOutput }),
    z.strictObject({ ...fields, task: z.literal("anomaly"), output: AnomalyOutput }),
    z.strictObject({ ...fields, task: z.literal("clustering"), output: ClusteringOutput }),
    z.strictObject({ ...fields, task: z.literal("ranking"), output: RankingOutput }),
    z.strictObject({ ...fields, task: z.literal("embedding"), output: EmbeddingOutput }),
    z.strictObject({ ...fields, task: z.literal("entities"), output: EntitiesOutput }),
    z.strictObject({ ...fields, task: z.literal("tensors"), output: TensorsOutput }),
  ])
  .superRefine((manifest, context) => {
    const addIssue = (path: (string | number)[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    const seen = new Set<string>();
    for (const [index, input] of manifest.inputs.entries()) {
      // é as one character and as e with an accent look the same: nobody could tell which of both a request needs.
      const normalized = input.name.normalize("NFC");
      if (seen.has(normalized)) addIssue(["inputs", index, "name"], `two inputs are named ${input.name}`);
      seen.add(normalized);
      if ((input.type === "integer" || input.type === "number") && input.min > input.max)
        addIssue(["inputs", index, "min"], "min is greater than max");
      for (const { field, message } of findArrayInputMistakes(input))
        addIssue(["inputs", index, field], message);
      if ("values" in input && new Set(input.values).size < input.values.length)
        addIssue(["inputs", index, "values"], "a category is listed twice");
    }
    for (const { path, message } of findTextIssues(manifest)) addIssue([...path], message);
    if (manifest.canary.steps.some((step, index, all) => index > 0 && step <= (all[index - 1] ?? 0)))
      addIssue(["canary", "steps"], "canary steps must increase");
    // How many members a group has is known when approval is requested.
    if (
      manifest.approval.approvers.length < manifest.approval.quorum &&
      !manifest.approval.approvers.some(isUserGroup)
    )
      addIssue(["approval", "quorum"], "the quorum is larger than the number of approvers");
    for (const [path, duration, atLeast, atMost] of [
      ["timeout", manifest.approval.timeout, 120, 20 * 86_400],
      ["bake", manifest.canary.bake, 1, 86_400],
      ["atMost", manifest.canary.atMost, 1, 86_400],
    ] as const) {
      const value = durationToSeconds(duration);
      if (value < atLeast || value > atMost)
        addIssue(
          [path === "timeout" ? "approval" : "canary", path],
          `${path} must be between ${atLeast} seconds and ${atMost / 86_400} days`,
        );
    }
    if (manifest.task === "classification") {
      const { labels, labelType, positive, bands, scores, labelOutput } = manifest.output;
      if (scores === "none" && labelOutput === undefined)
        addIssue(["output", "scores"], "scores: none needs labelOutput: the graph's output with the labels");
      if (scores === "decision" && labels.length === 2 && positive === undefined)
        addIssue(
          ["output", "scores"],
          "a decision function of two labels needs output.positive: the label for values above 0",
        );
      if (bands && (scores === "none" || scores === "decision"))
        addIssue(["output", "bands"], `bands divide a probability; scores: ${scores} has none`);
      if (manifest.gates.auc && scores === "none")
        addIssue(["gates", "auc"], "auc needs scores; the model has scores: none");
      if (labelType === "integer" && !labels.every((label) => Number.isSafeInteger(Number(label))))
        addIssue(["output", "labelType"], "a label is not an integer");
      if (new Set(labels).size < labels.length) addIssue(["output", "labels"], "a label is listed twice");
      if (positive !== undefined && !labels.includes(positive))
        addIssue(["output", "positive"], "positive must be one of the labels");
      if (bands && positive === undefined)
        addIssue(["output", "bands"], "bands need output.positive: the label whose score they divide");
      if (bands && bands.low > bands.high)
        addIssue(["output", "bands"], "bands.low is greater than bands.high");
      if (manifest.gates.auc && positive === undefined)
        addIssue(["gates", "auc"], "auc needs output.positive");
    } else if (manifest.task === "regression") {
      const names = valueNames(manifest.output);
      if (new Set(names).size < names.length) addIssue(["output", "names"], "a name is listed twice");
    }
    for (const { path, message } of findOutputIssues(manifest)) addIssue([...path], message);
    const measurable = listMeasurableScores(manifest);
    for (const gate of scoreNames)
      if (manifest.gates[gate] && !measurable.includes(gate))
        addIssue(["gates", gate], describeWrongGate(gate, manifest.task, measurable));
  });
export type Manifest = z.infer<typeof Manifest>;

/** Numbers, flags or texts in nested arrays, row-major; a scalar has none. */
export type NestedValues = number | boolean | string | NestedValues[];
export const NestedValues: z.ZodType<NestedValues> = z.lazy(() =>
  z.union([z.number(), z.boolean(), z.string(), z.array(NestedValues)]),
);

/** A tensor's elements as the base64 text of little-endian bytes, row-major. */
const EncodedTensor = z.strictObject({ base64: z.string() });

const Cell = z.union([NestedValues, EncodedTensor, z.null()]);
type Cell = z.infer<typeof Cell>;
const isCell = (value: unknown): value is Cell => Cell.safeParse(value).success;

/**
 * One row as applications send it: input name to value. A tensor is nested arrays or base64, an image base64 text. Its own
 * check, because z.record drops an input named __proto__.
 */
export const Row = z
  .custom<Record<string, Cell>>()
  .superRefine((row: unknown, context) => {
    if (!isJsonObject(row)) context.addIssue({ code: "invalid_type", expected: "object", input: row });
    else
      for (const [name, value] of Object.entries(row))
        if (!isCell(value))
          context.addIssue({
            code: "custom",
            path: [name],
            message: "must be a text, a number, true, false, null, nested arrays of these, or { base64 }",
          });
  })
  .meta({
    type: "object",
    additionalProperties: {
      anyOf: [
        { type: "string" },
        { type: "number" },
        { type: "boolean" },
        { type: "array", items: {} },
        {
          type: "object",
          properties: { base64: { type: "string" } },
          required: ["base64"],
          additionalProperties: false,
        },
        { type: "null" },
      ],
    },
  });
export type Row = z.infer<typeof Row>;

/** A part of a text that a label names. */
export const Entity = z.object({
  label: z.string(),
  /** The mean probability of its tokens. */
  score: z.number(),
  text: z.string(),
  /** Its place in the text, in UTF-16 code units as JavaScript's slice counts. */
  start: z.int().nonnegative(),
  end: z.int().nonnegative(),
});
export type Entity = z.infer<typeof Entity>;

/**
 * The prediction for one row. `scores` per label or value by name, empty where a task has none; a regression with one
 * value, an anomaly's score and a rank's relevance also have it in `value`.
 */
export const Prediction = z.object({
  label: z.string().optional(),
  value: z.number().optional(),
  scores: z.record(z.string(), z.number()),
  band: z.enum(["low", "medium", "high"]).optional(),
  /** Multilabel: the labels that apply, in the manifest's order. */
  labels: z.array(z.string()).optional(),
  /** Multioutput: each classification by its name. */
  heads: z
    .record(z.string(), z.object({ label: z.string(), scores: z.record(z.string(), z.number()) }))
    .optional(),
  /** Entities: in the text's order. */
  entities: z.array(Entity).optional(),
  /** Embedding and tensors: each by its name. */
  tensors: z.record(z.string(), NestedValues).optional(),
});
export type Prediction = z.infer<typeof Prediction>;

/** `golden.json`: rows and the model's predictions for them at training. */
export const Golden = z.strictObject({
  tolerance: z.number().positive().max(0.01),
  rows: z.array(Row).min(1).max(1_000),
  predictions: z.array(Prediction).min(1).max(1_000),
});
export type Golden = z.infer<typeof Golden>;
