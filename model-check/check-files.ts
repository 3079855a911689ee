import { bindTexts } from "#inference/text/bind-texts.ts";
import { type FolderProblem, formatPath, ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { listGatedScores, listMeasurableScores } from "#model-folder/manifest/list-measurable-scores.ts";
import { locateYaml } from "#model-folder/manifest/locate-yaml.ts";
import type { Golden, Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { bindInputs } from "#model-folder/onnx/bind-inputs.ts";
import { findOutput } from "#model-folder/onnx/find-output.ts";
import { inspectOnnx, type OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
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

const findMismatches = (manifest: Manifest, graph: OnnxSummary, yaml: string): FolderProblem[] => {
  const locate = locateYaml(yaml);
  const binding = manifest.tokenizer ? bindTexts(manifest, graph.inputs) : bindInputs(manifest, graph.inputs);
  const problems: FolderProblem[] =
    binding.status === "bound"
      ? []
      : binding.mismatches.map(({ input, message, remedy }) => {
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

const checkGraph = (manifest: Manifest, { files }: LoadedFolder, yaml: string): FolderProblem[] => {
  const artifactFile = getArtifactFile(manifest);
  const bytes = files.get(artifactFile);
  if (!bytes)
    return [
      missingFileProblem(artifactFile, "Commit the exported model, or correct artifact in model.yaml."),
    ];
  try {
    return findMismatches(manifest, inspectOnnx(bytes), yaml);
  } catch (error) {
    if (!(error instanceof ModelUnreadable)) throw error;
    return [
      {
        severity: "error",
        file: artifactFile,
        path: "",
        message: error.message,
        remedy: "Export the model again.",
      },
    ];
  }
};

const findTokenizerProblems = (manifest: Manifest, { files }: LoadedFolder): FolderProblem[] => {
  const { tokenizer } = manifest;
  const bytes = tokenizer && files.get(tokenizer.file);
  const graph = files.get(getArtifactFile(manifest));
  // A missing file is a problem of the first run.
  if (!tokenizer || !bytes || !graph) return [];
  return checkTokenizer(tokenizer, bytes, inspectOnnx(graph).inputs);
};

type FilesCheckResult = {
  /** Problems of the files that people write: manifest, golden vectors, holdout. */
  readonly folder: readonly FolderProblem[];
  /** Problems of the ONNX file, or between it and the manifest. */
  readonly graph: readonly FolderProblem[];
  /** The inputs of the first run; absent if one of them is invalid. */
  readonly run?: { readonly manifest: Manifest; readonly golden: Golden };
};

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
  const graph = checkGraph(manifest, folder, yaml);
  if (manifest.tokenizer && !graph.some(({ severity }) => severity === "error")) {
    onFile(manifest.tokenizer.file);
    problems.push(...findTokenizerProblems(manifest, folder));
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
  return {
    folder: problems,
    graph,
    ...(graph.length === 0 && "value" in golden ? { run: { manifest, golden: golden.value } } : {}),
  };
};
