import { stringify } from "yaml";
import type { Gates } from "#model-folder/manifest/manifest.ts";
import type { InferredInput } from "./infer-input.ts";
import type { InferredOutput } from "./infer-output.ts";

/** What a new manifest is made of. Remarks stand beside what they are about. */
export type NewManifest = {
  readonly name: string;
  readonly owner: string;
  readonly ownerGiven: boolean;
  readonly inputs: readonly InferredInput[];
  readonly inputGuesses: readonly string[];
  readonly output: InferredOutput;
  readonly gates: Gates;
  /** What was measured, in words, to stand beside the gates. */
  readonly measured: string;
  readonly approvers: readonly string[];
  readonly approversGiven: boolean;
  readonly tokenizer?: { readonly file: string; readonly maxTokens: number };
};

const width = 110;
const flow = (value: unknown): string => stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
/** Lists without the padding that maps have; text in quotes, because other readers of YAML take yes and no for flags. */
const list = (values: readonly unknown[]): string =>
  `[${values.map((value) => (typeof value === "string" ? JSON.stringify(value) : flow(value))).join(", ")}]`;
const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ");
const review = (text: string): string => ` # review: ${oneLine(text)}`;
const reviewLine = (text: string): string => ` ${review(text)}`;

const inputLines = ({ input, remark }: InferredInput): string[] => {
  const { name, type, required, ...rest } = input;
  const maybe = required ? "" : ", required: false";
  const said = remark === "" ? "" : ` # ${oneLine(remark)}`;
  const head = `name: ${flow(name)}`;
  if (!("values" in rest)) {
    const details = Object.entries(rest).map(([key, value]) => `, ${key}: ${flow(value)}`);
    return [`  - { ${head}, type: ${type}${details.join("")}${maybe} }${said}`];
  }
  const line = `  - { ${head}, type: category, values: ${list(rest.values)}${maybe} }${said}`;
  if (line.length <= width) return [line];
  return [
    `  - ${head}${said}`,
    "    type: category",
    ...(required ? [] : ["    required: false"]),
    ...(list(rest.values).length + 12 <= width
      ? [`    values: ${list(rest.values)}`]
      : ["    values:", ...rest.values.map((value) => `      - ${JSON.stringify(value)}`)]),
  ];
};

const outputLines = (output: InferredOutput): string[] => {
  const guesses = output.guesses.map(reviewLine);
  if (output.task === "regression")
    return output.names.length === 1
      ? ["output:", ...guesses, `  name: ${flow(output.names[0])}`, "  # unit: min"]
      : ["output:", ...guesses, `  names: ${list(output.names)}`];
  const labels = output.integers ? output.labels.map(Number) : output.labels;
  return [
    "output:",
    ...guesses,
    `  labels: ${list(labels)}`,
    ...(output.positive === undefined
      ? []
      : [`  positive: ${output.integers ? output.positive : JSON.stringify(output.positive)}`]),
    ...(output.scores === "logits" ? ["  scores: logits"] : []),
  ];
};

/** model.yaml as a person would write it; what was guessed is marked with `# review:`. */
export const formatManifest = (of: NewManifest): string => {
  const { latencyP95Ms, imageSizeMb, vulnerabilities, ...scores } = of.gates;
  return [
    "# yaml-language-server: $schema=../../docs/model.schema.json",
    "# Written by `slipway new`. What it guessed is marked with `review`: read it, correct it, and take the mark away.",
    `name: ${of.name}`,
    `task: ${of.output.task}`,
    `owner: ${flow(of.owner)}${of.ownerGiven ? "" : review("who answers for this model?")}`,
    "artifact: model.onnx",
    ...(of.tokenizer
      ? [`tokenizer: ${flow(of.tokenizer)}${review("longer texts are cut off: as in training?")}`]
      : []),
    `inputs:${review("ranges are the data's and half its span on either side; categories are the data's, others are refused")}`,
    ...of.inputGuesses.map(reviewLine),
    ...of.inputs.flatMap(inputLines),
    ...outputLines(of.output),
    "gates:",
    reviewLine(`on holdout.csv the model has ${of.measured}`),
    reviewLine("are these the floors that the next version should be held to?"),
    ...Object.entries(scores).map(([name, gate]) => `  ${name}: ${flow(gate)}`),
    `  latencyP95Ms: ${latencyP95Ms}`,
    `  imageSizeMb: ${imageSizeMb}`,
    `  vulnerabilities: ${flow(vulnerabilities)}`,
    `approval: { approvers: [${of.approvers.join(", ")}], quorum: 1, authorMayApprove: false, timeout: PT24H }${of.approversGiven ? "" : review("who may approve?")}`,
    "canary: { steps: [10, 50], bake: PT30M, minSamples: 200, onInconclusive: extend, atMost: PT6H }",
    "resources: { memoryMb: 1769, timeoutSeconds: 30 }",
    `records: { inputs: full, ttlDays: 30 }${review("may the inputs of each prediction be kept, and how long?")}`,
    "",
  ].join("\n");
};
