import { stringify } from "yaml";
import type { Gates } from "#model-folder/manifest/manifest.ts";
import type { InferredInput } from "./infer-input.ts";
import type { InferredOutput } from "./infer-output.ts";
import type { TokenizerRules } from "./probe-model.ts";
import { formatScoredGuess } from "./scored-guess.ts";
import type { InferredTask } from "./task-evidence.ts";

/** The content of a new manifest; remarks become comments on their lines. */
export type NewManifest = {
  readonly name: string;
  readonly owner: string;
  readonly isOwnerGuessed: boolean;
  readonly inputs: readonly InferredInput[];
  readonly inputGuesses: readonly string[];
  readonly output: InferredOutput | InferredTask;
  readonly gates: Gates;
  /** The measured scores as text, for a comment on the gates. */
  readonly measured: string;
  readonly approvers: readonly string[];
  readonly areApproversGuessed: boolean;
  readonly tokenizer?: TokenizerRules;
};

const width = 110;
const flow = (value: unknown): string => stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
/** Lists without the padding of maps; quoted text, because other YAML parsers read yes and no as flags. */
const list = (values: readonly unknown[]): string =>
  `[${values.map((value) => (typeof value === "string" ? JSON.stringify(value) : flow(value))).join(", ")}]`;
/** A name as it is where YAML and people read it as text, otherwise in quotes. */
const nameText = (name: string): string =>
  /^[\p{L}_][\p{L}\p{M}\p{N}_ .-]*$/u.test(name) && name.trim() === name ? flow(name) : JSON.stringify(name);
const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ");
const review = (text: string): string => ` # review: ${oneLine(text)}`;
const reviewLine = (text: string): string => ` ${review(text)}`;

const inputLines = ({ input, remark }: InferredInput): string[] => {
  const { name, type, required, ...rest } = input;
  const optional = required ? "" : ", required: false";
  const comment = remark === "" ? "" : ` # ${oneLine(remark)}`;
  const head = `name: ${nameText(name)}`;
  if (!("values" in rest)) {
    const details = Object.entries(rest).map(([key, value]) => `, ${key}: ${flow(value)}`);
    return [`  - { ${head}, type: ${type}${details.join("")}${optional} }${comment}`];
  }
  const line = `  - { ${head}, type: category, values: ${list(rest.values)}${optional} }${comment}`;
  if (line.length <= width) return [line];
  return [
    `  - ${head}${comment}`,
    "    type: category",
    ...(required ? [] : ["    required: false"]),
    ...(list(rest.values).length + 12 <= width
      ? [`    values: ${list(rest.values)}`]
      : ["    values:", ...rest.values.map((value) => `      - ${JSON.stringify(value)}`)]),
  ];
};

const outputLines = (output: InferredOutput | InferredTask): string[] => {
  const { scoredGuesses = [] } = output;
  const guesses = [...scoredGuesses.map(formatScoredGuess), ...output.guesses].map(reviewLine);
  if ("output" in output)
    return [
      "output:",
      ...guesses,
      ...Object.entries(output.output).map(
        ([key, value]) => `  ${key}: ${Array.isArray(value) ? list(value) : flow(value)}`,
      ),
    ];
  if (output.task === "regression")
    return output.names.length === 1
      ? ["output:", ...guesses, `  name: ${nameText(output.names[0] ?? "")}`, "  # unit: EUR"]
      : ["output:", ...guesses, `  names: ${list(output.names)}`];
  const labels = output.integers ? output.labels.map(Number) : output.labels;
  return [
    "output:",
    ...guesses,
    `  labels: ${list(labels)}`,
    ...(output.positive === undefined
      ? []
      : [`  positive: ${output.integers ? output.positive : JSON.stringify(output.positive)}`]),
    ...(output.scores === "probabilities" ? [] : [`  scores: ${output.scores}`]),
    ...(output.labelOutput === undefined ? [] : [`  labelOutput: ${flow(output.labelOutput)}`]),
  ];
};

/** model.yaml as a person would write it; each guess has a comment `# review:`. */
export const formatManifest = (manifest: NewManifest): string => {
  const { latencyP95Ms, imageSizeMb, vulnerabilities, ...scores } = manifest.gates;
  return [
    "# yaml-language-server: $schema=../../docs/model.schema.json",
    "# Written by `slipway new`. `review` marks a guess: check it, correct it, and remove the mark.",
    `name: ${manifest.name}`,
    `task: ${manifest.output.task}`,
    `owner: ${flow(manifest.owner)}${manifest.isOwnerGuessed ? review("who owns this model?") : ""}`,
    "artifact: model.onnx",
    ...(manifest.tokenizer
      ? [
          `tokenizer: ${flow(manifest.tokenizer)}${review(`longer texts are ${manifest.output.task === "entities" ? "refused" : "cut off"}; as in training?`)}`,
        ]
      : []),
    `inputs:${review("ranges are the data's, widened by half their span on both sides; only the data's categories are valid")}`,
    ...manifest.inputGuesses.map(reviewLine),
    ...manifest.inputs.flatMap(inputLines),
    ...outputLines(manifest.output),
    "gates:",
    ...(manifest.measured === ""
      ? [
          reviewLine(
            "without truth no score has a gate; golden vectors, latency, size and input schema are checked",
          ),
        ]
      : [reviewLine(`on holdout.csv the model has ${manifest.measured}`)]),
    reviewLine("are these the right limits for the next version?"),
    ...Object.entries(scores).map(([name, gate]) => `  ${name}: ${flow(gate)}`),
    `  latencyP95Ms: ${latencyP95Ms}`,
    `  imageSizeMb: ${imageSizeMb}`,
    `  vulnerabilities: ${flow(vulnerabilities)}`,
    `approval: { approvers: [${manifest.approvers.join(", ")}], quorum: 1, authorMayApprove: false, timeout: PT24H }${manifest.areApproversGuessed ? review("who may approve?") : ""}`,
    "canary: { steps: [10, 50], bake: PT30M, minSamples: 200, onInconclusive: extend, atMost: PT6H }",
    "resources: { memoryMb: 1769, timeoutSeconds: 30 }",
    `records: { inputs: full, ttlDays: 30 }${review("may Slipway keep the inputs of predictions, and how long?")}`,
    "",
  ].join("\n");
};
