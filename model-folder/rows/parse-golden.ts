import { type FolderProblem, formatPath, ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { Golden, type Manifest } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import { checkRows } from "./check-rows.ts";
import { countJsonTokens } from "./count-json-tokens.ts";
import { findPosition, locateJson } from "./locate-json.ts";

const maxBytes = 16 * 1_024 * 1_024;
/** A prediction's scores lie four deep. */
const maxDepth = 8;
const maxRows = 1_000;
const rewriteRemedy = "Write golden.json again with the training project.";

type GoldenProblem = {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly remedy: string;
};

/** The most marks (countJsonTokens) that rows and predictions of this manifest have, and some to spare. */
const maxMarks = ({ inputs, ...manifest }: Manifest): number => {
  const scores = manifest.task === "classification" ? manifest.output.labels : valueNames(manifest.output);
  return maxRows * (inputs.length + scores.length + 16) + 10_000;
};

/** Why these bytes are not even read: nothing of them is parsed, so that they cost one look at each byte. */
const findSizeProblem = (
  bytes: Uint8Array,
  manifest: Manifest,
): Pick<GoldenProblem, "message" | "remedy"> | undefined => {
  const remedy = `golden.json has at most ${maxRows} rows and ${maxBytes / 1_024 / 1_024} MB. ${rewriteRemedy}`;
  if (bytes.length > maxBytes) return { message: `is larger than ${maxBytes / 1_024 / 1_024} MB`, remedy };
  const { marks, depth } = countJsonTokens(bytes);
  if (depth > maxDepth) return { message: `is nested ${depth} deep (at most ${maxDepth})`, remedy };
  const most = maxMarks(manifest);
  return marks > most
    ? { message: `holds more values than ${maxRows} rows of this manifest have (at most ${most})`, remedy }
    : undefined;
};

const decode = (bytes: Uint8Array): unknown => {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  return JSON.parse(text);
};

/** Predictions that cannot belong to this manifest: other labels, no value, another number of them than rows. */
const findMismatches = (golden: Golden, manifest: Manifest): GoldenProblem[] => {
  const found: GoldenProblem[] = [];
  if (golden.predictions.length !== golden.rows.length)
    found.push({
      path: ["predictions"],
      message: `${golden.predictions.length} predictions stand beside ${golden.rows.length} rows`,
      remedy: rewriteRemedy,
    });
  const expected = manifest.task === "classification" ? manifest.output.labels : valueNames(manifest.output);
  for (const [at, { label, value, scores }] of golden.predictions.entries()) {
    const names = Object.keys(scores);
    if (names.length !== expected.length || !expected.every((name) => Object.hasOwn(scores, name)))
      found.push({
        path: ["predictions", at, "scores"],
        message: `the scores are of ${names.slice(0, 10).join(", ")}, the manifest promises ${expected.slice(0, 10).join(", ")}`,
        remedy: `${rewriteRemedy} Or correct output in model.yaml.`,
      });
    if (manifest.task === "classification" && (label === undefined || !expected.includes(label)))
      found.push({
        path: ["predictions", at],
        message: "label is none of the manifest's labels",
        remedy: rewriteRemedy,
      });
    if (manifest.task === "regression" && expected.length === 1 && value === undefined)
      found.push({ path: ["predictions", at], message: "value is missing", remedy: rewriteRemedy });
  }
  return found;
};

const checkGolden = (value: unknown, manifest: Manifest): { golden: Golden } | { found: GoldenProblem[] } => {
  const parsed = Golden.safeParse(value);
  if (!parsed.success)
    return {
      found: parsed.error.issues.map(({ path, message }) => ({ path, message, remedy: rewriteRemedy })),
    };
  const rows = checkRows(manifest)(parsed.data.rows).map(
    ({ row, input, detail }): GoldenProblem => ({
      path: ["rows", ...[row, input].filter((part) => part !== undefined)],
      message: detail,
      remedy: "Golden rows are rows that the manifest's inputs allow: correct one of the two.",
    }),
  );
  const found = [...rows, ...findMismatches(parsed.data, manifest)];
  return found.length > 0 ? { found } : { golden: parsed.data };
};

type Options = {
  readonly file?: string;
  /** True for a version that was promoted: it is read whatever today's limits say. */
  readonly promoted?: boolean;
};

/**
 * Reads golden.json: rows and what the model answered them at training. Throws ManifestInvalid with the line of each
 * row or prediction that cannot belong to this manifest.
 */
export const parseGolden = (
  bytes: Uint8Array,
  manifest: Manifest,
  { file = "golden.json", promoted = false }: Options = {},
): Golden => {
  const invalid = (problems: readonly Omit<FolderProblem, "file" | "severity">[]): never => {
    throw new ManifestInvalid(problems.map((found) => ({ severity: "error", file, ...found })));
  };
  const refused = promoted ? undefined : findSizeProblem(bytes, manifest);
  if (refused) return invalid([{ path: "", ...refused }]);
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
        message: `no JSON: ${message.replace(/, .* is not valid JSON$/s, "")}`,
        remedy: rewriteRemedy,
      },
    ]);
  }
  const result = checkGolden(value, manifest);
  if ("golden" in result) return result.golden;
  const at = locateJson(new TextDecoder().decode(bytes));
  return invalid(
    result.found
      .slice(0, 100)
      .map(({ path, message, remedy }) => ({ ...at(path), path: formatPath(path), message, remedy })),
  );
};
