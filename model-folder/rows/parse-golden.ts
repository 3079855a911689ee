import { type FolderProblem, formatPath, ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { listOutputFields } from "#model-folder/manifest/list-output-fields.ts";
import { listScoreNames } from "#model-folder/manifest/list-score-names.ts";
import { Golden, type Manifest } from "#model-folder/manifest/manifest.ts";
import { checkRows } from "./check-rows.ts";
import { countJsonTokens } from "./count-json-tokens.ts";
import { countRowElements } from "./limit-rows.ts";
import { findPosition, locateJson } from "./locate-json.ts";

const maxBytes = 16 * 1_024 * 1_024;
/** Rows and predictions hold arrays of up to eight dimensions. */
const maxDepth = 16;
const maxRows = 1_000;
/** Of one row; the limit on bytes is the smaller one for most tensors. */
const maxTensorMarks = 1_000_000;
const maxEntityMarks = 10_000;
const rewriteRemedy = "Write golden.json again with the training project.";

type GoldenProblem = {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly remedy: string;
};

/** The most marks (countJsonTokens) that rows and predictions of this manifest can have, with a reserve. */
const maxMarks = (manifest: Manifest): number => {
  const values = listOutputFields(manifest).map((field): number => {
    switch (field.kind) {
      case "scores":
      case "labels":
        return field.labels.length;
      case "tensor":
        return maxTensorMarks;
      case "entities":
        return maxEntityMarks;
      case "label":
      case "band":
      case "number":
        return 1;
      default:
        return field satisfies never;
    }
  });
  const sum = values.reduce((total, count) => total + count, 0);
  return maxRows * (manifest.inputs.length + 2 * countRowElements(manifest.inputs) + sum + 16) + 10_000;
};

/** Refuses bytes that are too large or too deep, with one scan and without parsing them. */
const findSizeProblem = (
  bytes: Uint8Array,
  manifest: Manifest,
): Pick<GoldenProblem, "message" | "remedy"> | undefined => {
  const remedy = `golden.json has at most ${maxRows} rows and ${maxBytes / 1_024 / 1_024} MB. ${rewriteRemedy}`;
  if (bytes.length > maxBytes) return { message: `is larger than ${maxBytes / 1_024 / 1_024} MB`, remedy };
  const { marks, depth } = countJsonTokens(bytes);
  if (depth > maxDepth) return { message: `is nested ${depth} levels deep (limit ${maxDepth})`, remedy };
  const limit = maxMarks(manifest);
  return marks > limit
    ? { message: `has more values than ${maxRows} rows of this manifest (limit ${limit})`, remedy }
    : undefined;
};

const decode = (bytes: Uint8Array): unknown => {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  return JSON.parse(text);
};

/** Finds predictions that do not match the manifest or the number of rows. */
const findMismatches = (golden: Golden, manifest: Manifest): GoldenProblem[] => {
  const problems: GoldenProblem[] = [];
  if (golden.predictions.length !== golden.rows.length)
    problems.push({
      path: ["predictions"],
      message: `${golden.predictions.length} predictions for ${golden.rows.length} rows`,
      remedy: rewriteRemedy,
    });
  const expected = listScoreNames(manifest);
  const fields = listOutputFields(manifest);
  const labels = fields.find((field) => field.kind === "label")?.labels;
  const hasValue = fields.filter(({ kind }) => kind === "number").length === 1;
  for (const [index, { label, value, scores }] of golden.predictions.entries()) {
    const names = Object.keys(scores);
    if (names.length !== expected.length || !expected.every((name) => Object.hasOwn(scores, name)))
      problems.push({
        path: ["predictions", index, "scores"],
        message: `has scores for ${names.slice(0, 10).join(", ")}, but the manifest's output has ${expected.slice(0, 10).join(", ")}`,
        remedy: `${rewriteRemedy} Or correct output in model.yaml.`,
      });
    if (manifest.task !== "multioutput" && labels && (label === undefined || !labels.includes(label)))
      problems.push({
        path: ["predictions", index],
        message: "label is not one of the manifest's labels",
        remedy: rewriteRemedy,
      });
    if (hasValue && value === undefined)
      problems.push({ path: ["predictions", index], message: "value is missing", remedy: rewriteRemedy });
  }
  return problems;
};

const checkGolden = (
  value: unknown,
  manifest: Manifest,
): { golden: Golden } | { problems: GoldenProblem[] } => {
  const parsed = Golden.safeParse(value);
  if (!parsed.success)
    return {
      problems: parsed.error.issues.map(({ path, message }) => ({ path, message, remedy: rewriteRemedy })),
    };
  const rows = checkRows(manifest)(parsed.data.rows).map(
    ({ row, input, path = [], detail }): GoldenProblem => ({
      path: ["rows", ...[row, input, ...path].filter((key) => key !== undefined)],
      message: detail,
      remedy: "Golden rows must match the manifest's inputs: correct one of the two.",
    }),
  );
  const problems = [...rows, ...findMismatches(parsed.data, manifest)];
  return problems.length > 0 ? { problems } : { golden: parsed.data };
};

type Options = {
  readonly file?: string;
  /** True for a promoted version: today's limits do not apply to it. */
  readonly promoted?: boolean;
};

/**
 * Parses golden.json: rows and the model's predictions for them at training. Throws ManifestInvalid with the line of each
 * row or prediction that does not match the manifest.
 */
export const parseGolden = (
  bytes: Uint8Array,
  manifest: Manifest,
  { file = "golden.json", promoted = false }: Options = {},
): Golden => {
  const invalid = (problems: readonly Omit<FolderProblem, "file" | "severity">[]): never => {
    throw new ManifestInvalid(problems.map((problem) => ({ severity: "error", file, ...problem })));
  };
  const sizeProblem = promoted ? undefined : findSizeProblem(bytes, manifest);
  if (sizeProblem) return invalid([{ path: "", ...sizeProblem }]);
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (error) {
    const message = error instanceof SyntaxError ? error.message : "is not UTF-8";
    const offset = Number(message.match(/position (\d+)/)?.[1] ?? 0);
    return invalid([
      {
        ...findPosition(new TextDecoder().decode(bytes.subarray(0, maxBytes)), offset),
        path: "",
        message: `invalid JSON: ${message.replace(/, .* is not valid JSON$/s, "")}`,
        remedy: rewriteRemedy,
      },
    ]);
  }
  const result = checkGolden(value, manifest);
  if ("golden" in result) return result.golden;
  const locate = locateJson(new TextDecoder().decode(bytes));
  return invalid(
    result.problems
      .slice(0, 100)
      .map(({ path, message, remedy }) => ({ ...locate(path), path: formatPath(path), message, remedy })),
  );
};
