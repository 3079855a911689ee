import { supportedVersions } from "#inference/model/supported-versions.ts";
import { bindTexts } from "#inference/text/bind-texts.ts";
import { type FolderProblem, formatPath, ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { listGatedScores, listMeasurableScores } from "#model-folder/manifest/list-measurable-scores.ts";
import { locateYaml } from "#model-folder/manifest/locate-yaml.ts";
import type { Golden, Input, Manifest, Row } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { bindInputs, type Mismatch } from "#model-folder/onnx/bind-inputs.ts";
import { findVersionMismatch } from "#model-folder/onnx/compare-versions.ts";
import { findOutput } from "#model-folder/onnx/find-output.ts";
import type { UnstableOperators } from "#model-folder/onnx/find-unstable-operators.ts";
import { inspectOnnx, type OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { type InputRange, listInputRanges } from "#model-folder/onnx/list-input-ranges.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { findThinLabels, formatThinLabels, leastLabelRows } from "#model-folder/rows/find-thin-labels.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";
import { parseGolden } from "#model-folder/rows/parse-golden.ts";
import { parseHoldout } from "#model-folder/rows/parse-holdout.ts";
import { checkTokenizer } from "./check-tokenizer.ts";

/** A model's folder, read into this process. */
type LoadedFolder = { readonly model: string; readonly files: ReadonlyMap<string, Uint8Array> };

const manifestFile = "model.yaml";

const missingFileProblem = (file: string, remedy: string): FolderProblem => ({
  severity: "error",
  file,
  path: "",
  message: "is missing",
  remedy,
});

const describeMissingHoldout = (manifest: Manifest): FolderProblem => {
  const gated = listGatedScores(manifest);
  if (gated.length > 0)
    return missingFileProblem(
      "holdout.csv",
      `Write it with the training project: labelled rows that training did not use. Or remove the gates that need it (${gated.join(", ")}): then no score is measured.`,
    );
  const measurable = listMeasurableScores(manifest);
  return {
    severity: "warning",
    file: "holdout.csv",
    path: "",
    message:
      "is missing: no score is measured, only golden vectors, latency, image size, input schema and the replay of recorded inputs",
    remedy:
      measurable.length > 0
        ? `Add rows with their truth and a gate (${measurable.join(", ")}), if there are any.`
        : "Nothing to do: this task has no gate on a score.",
  };
};

/** Returns the value of `read`, or the problems that it throws. */
const readOrProblems = <T>(
  read: () => T,
): { readonly value: T } | { readonly problems: readonly FolderProblem[] } => {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof ManifestInvalid) return { problems: error.problems };
    throw error;
  }
};

/** The lowest and highest number that the graph can get for an input. A tensor may have no limits. */
const readRange = (input: Input): readonly [number, number] => {
  switch (input.type) {
    case "integer":
    case "number":
      return [input.min, input.max];
    case "tensor":
      return [input.min ?? Number.NEGATIVE_INFINITY, input.max ?? Number.POSITIVE_INFINITY];
    case "category":
      return [0, input.values.length - 1];
    case "boolean":
    case "string":
    case "image":
      return [0, 0];
    default:
      return input satisfies never;
  }
};

/** Values that the manifest allows although a table in the graph has no row for them. */
const findRangeProblem = ({ input, size, operator }: InputRange): Mismatch | undefined => {
  const [min, max] = readRange(input);
  if (min >= -size && max < size) return undefined;
  const allowed = Number.isFinite(min) || Number.isFinite(max) ? `${min} to ${max}` : "any number";
  return {
    message: `the manifest allows ${allowed}, but the graph looks the value up in a table of ${size} rows (${operator}): other values fail`,
    remedy:
      input.type !== "category"
        ? `Write min: ${Math.max(min, 0)} and max: ${size - 1}.`
        : `List at most ${size} values, in the order of the training's codes.`,
  };
};

/** Mismatches between the manifest's inputs and the graph's. */
const bindGraph = (manifest: Manifest, graph: OnnxSummary): readonly Mismatch[] => {
  const binding = manifest.tokenizer ? bindTexts(manifest, graph.inputs) : bindInputs(manifest, graph.inputs);
  if (binding.status === "mismatched") return binding.mismatches;
  return listInputRanges(binding.columns, graph.indexRanges).flatMap((range) => {
    const problem = findRangeProblem(range);
    return problem ? [{ input: range.input.name, ...problem }] : [];
  });
};

const findMismatches = (manifest: Manifest, graph: OnnxSummary, yaml: string): FolderProblem[] => {
  const locate = locateYaml(yaml);
  const problems = bindGraph(manifest, graph).map(({ input, message, remedy }): FolderProblem => {
    const index = manifest.inputs.findIndex(({ name }) => name === input);
    const path = index < 0 ? ["inputs"] : ["inputs", index];
    return {
      severity: "error",
      file: manifestFile,
      ...locate(path),
      path: formatPath(path),
      message,
      remedy,
    };
  });
  const output = findOutput(manifest, graph.outputs);
  if (output.status === "missing")
    problems.push({
      severity: "error",
      file: manifestFile,
      ...locate(["output"]),
      path: "output",
      message: output.message,
      remedy: output.remedy,
    });
  return problems;
};

type GraphCheckResult = {
  readonly problems: readonly FolderProblem[];
  /** Absent for an unreadable file. */
  readonly graph?: OnnxSummary;
};

const checkGraph = (manifest: Manifest, { files }: LoadedFolder, yaml: string): GraphCheckResult => {
  const artifactFile = getArtifactFile(manifest);
  const bytes = files.get(artifactFile);
  if (!bytes)
    return {
      problems: [
        missingFileProblem(artifactFile, "Commit the exported model, or correct artifact in model.yaml."),
      ],
    };
  const refuse = (message: string, remedy: string): GraphCheckResult => ({
    problems: [{ severity: "error", file: artifactFile, path: "", message, remedy }],
  });
  try {
    const graph = inspectOnnx(bytes);
    const version = findVersionMismatch(graph, supportedVersions);
    if (version) return refuse(version.message, version.remedy);
    return { problems: findMismatches(manifest, graph, yaml), graph };
  } catch (error) {
    if (!(error instanceof ModelUnreadable)) throw error;
    return refuse(error.message, error.remedy ?? "Export the model again.");
  }
};

const findTokenizerProblems = (
  tokenizer: NonNullable<Manifest["tokenizer"]>,
  graph: OnnxSummary,
  { files }: LoadedFolder,
): FolderProblem[] => {
  const bytes = files.get(tokenizer.file);
  // A missing file is a problem of the first run.
  return bytes ? checkTokenizer(tokenizer, bytes, graph.inputs) : [];
};

const listThinLabels = (manifest: Manifest, holdout: Holdout): ReturnType<typeof findThinLabels> => {
  if (holdout.task === "anomaly" && manifest.task === "anomaly")
    return findThinLabels([manifest.output.normal, manifest.output.anomaly], holdout.labels);
  return (holdout.task === "classification" && manifest.task === "classification") ||
    (holdout.task === "clustering" && manifest.task === "clustering")
    ? findThinLabels(manifest.output.labels, holdout.labels)
    : [];
};

/** A warning where the delivery's verdict will be inconclusive, because a label has too few rows. */
const findThinHoldout = (manifest: Manifest, holdout: Holdout): FolderProblem[] => {
  const thin = listThinLabels(manifest, holdout);
  const { accuracy, auc, f1 } = manifest.gates;
  return thin.length === 0 || (!accuracy && !auc && !f1)
    ? []
    : [
        {
          severity: "warning",
          file: "holdout.csv",
          path: "label",
          message: `too few rows of a label: ${formatThinLabels(thin)} (required ≥ ${leastLabelRows})`,
          remedy:
            "Scores of labels (accuracy, AUC, F1) are inconclusive in the delivery, and an approver must decide: add rows of these labels.",
        },
      ];
};

type FilesCheckResult = {
  /** Problems of the files that people write: manifest, golden vectors, holdout. */
  readonly folder: readonly FolderProblem[];
  /** Problems of the ONNX file, or between it and the manifest. */
  readonly graph: readonly FolderProblem[];
  /** The inputs of the first run; absent if one of them is invalid. */
  readonly run?: {
    readonly manifest: Manifest;
    readonly golden: Golden;
    /** Rows of the holdout; none without a valid one. */
    readonly holdout: readonly Row[];
    readonly unstable: UnstableOperators;
    /** An input whose first dimension is fixed and a later one open, as where the sequence comes before the rows. */
    readonly sequenceInput: string | undefined;
  };
};

const findSequenceInput = ({ inputs }: Pick<OnnxSummary, "inputs">): string | undefined =>
  inputs.find((value) => {
    const [first, ...inner] = value.kind === "tensor" ? (value.shape ?? []) : [];
    return typeof first === "number" && first > 1 && inner.some((size) => typeof size !== "number");
  })?.name;

/**
 * Reads a model's folder and runs nothing. Call it only in a process with limits (check-process.ts): a hostile file can
 * take any time and memory to read.
 * @param onFile gets the name of each file before it is read
 */
export const checkFiles = (folder: LoadedFolder, onFile: (file: string) => void): FilesCheckResult => {
  const { model, files } = folder;
  onFile(manifestFile);
  const bytes = files.get(manifestFile);
  if (!bytes)
    return {
      folder: [missingFileProblem(manifestFile, "Create it: docs/model.schema.json describes its fields.")],
      graph: [],
    };
  const result = readOrProblems(() => readManifest(bytes));
  if ("problems" in result) return { folder: result.problems, graph: [] };
  const yaml = new TextDecoder().decode(bytes);
  const manifest = result.value;
  const problems: FolderProblem[] = [];
  if (manifest.name !== model)
    problems.push({
      severity: "error",
      file: manifestFile,
      ...locateYaml(yaml)(["name"]),
      path: "name",
      message: `the folder is named ${model}`,
      remedy: `Write name: ${model}, or rename the folder.`,
    });
  onFile(getArtifactFile(manifest));
  const { problems: graphProblems, graph } = checkGraph(manifest, folder, yaml);
  if (manifest.tokenizer && graph && !graphProblems.some(({ severity }) => severity === "error")) {
    onFile(manifest.tokenizer.file);
    problems.push(...findTokenizerProblems(manifest.tokenizer, graph, folder));
  }
  onFile("golden.json");
  const goldenBytes = files.get("golden.json");
  const golden = goldenBytes
    ? readOrProblems(() => parseGolden(goldenBytes, manifest))
    : {
        problems: [
          missingFileProblem(
            "golden.json",
            "Write it with the training project: rows and the model's predictions for them.",
          ),
        ],
      };
  if ("problems" in golden) problems.push(...golden.problems);
  onFile("holdout.csv");
  const holdoutBytes = files.get("holdout.csv");
  const holdout = holdoutBytes
    ? readOrProblems(() => parseHoldout(holdoutBytes, manifest))
    : { problems: [describeMissingHoldout(manifest)] };
  if ("problems" in holdout) problems.push(...holdout.problems);
  else problems.push(...findThinHoldout(manifest, holdout.value));
  return {
    folder: problems,
    graph: graphProblems,
    ...(graph && graphProblems.length === 0 && "value" in golden
      ? {
          run: {
            manifest,
            golden: golden.value,
            holdout: "problems" in holdout ? [] : holdout.value.rows,
            unstable: graph.unstable,
            sequenceInput: findSequenceInput(graph),
          },
        }
      : {}),
  };
};
