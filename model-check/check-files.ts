import { bindTokens } from "#inference/text/bind-tokens.ts";
import { type FolderProblem, formatPath, ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { locateYaml } from "#model-folder/manifest/locate-yaml.ts";
import type { Golden, Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { bindInputs } from "#model-folder/onnx/bind-inputs.ts";
import { findOutput } from "#model-folder/onnx/find-output.ts";
import { inspectOnnx, type OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { parseGolden } from "#model-folder/rows/parse-golden.ts";
import { parseHoldout } from "#model-folder/rows/parse-holdout.ts";
import type { ModelFolder } from "./check-model.ts";

const manifestFile = "model.yaml";

const missingFileProblem = (file: string, remedy: string): FolderProblem => ({
  severity: "error",
  file,
  path: "",
  message: "is not there",
  remedy,
});

/** What a reader gives, or the problems that it throws. */
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
  const at = locateYaml(yaml);
  const bound = manifest.tokenizer ? bindTokens(graph.inputs) : bindInputs(manifest, graph.inputs);
  const found: FolderProblem[] =
    bound.status === "bound"
      ? []
      : bound.mismatches.map(({ input, message, remedy }) => {
          const index = manifest.inputs.findIndex(({ name }) => name === input);
          const path = index < 0 ? ["inputs"] : ["inputs", index];
          return {
            severity: "error",
            file: manifestFile,
            ...at(path),
            path: formatPath(path),
            message,
            remedy,
          };
        });
  const output = findOutput(manifest, graph.outputs);
  if (output.status === "missing")
    found.push({
      severity: "error",
      file: manifestFile,
      ...at(["output"]),
      path: "output",
      message: output.message,
      remedy: output.remedy,
    });
  return found;
};

const checkGraph = (manifest: Manifest, { files }: ModelFolder, yaml: string): FolderProblem[] => {
  const bytes = files.get(manifest.artifact);
  if (!bytes)
    return [
      missingFileProblem(manifest.artifact, "Commit the exported model, or correct artifact in model.yaml."),
    ];
  try {
    return findMismatches(manifest, inspectOnnx(bytes), yaml);
  } catch (error) {
    if (!(error instanceof ModelUnreadable)) throw error;
    return [
      {
        severity: "error",
        file: manifest.artifact,
        path: "",
        message: error.message,
        remedy: "Export the model again.",
      },
    ];
  }
};

type FilesCheckResult = {
  /** What is wrong with what people write: manifest, golden vectors, holdout. */
  readonly folder: readonly FolderProblem[];
  /** What is wrong with the ONNX file, or with how it fits the manifest. */
  readonly graph: readonly FolderProblem[];
  /** What a first run needs; absent where something of it cannot be read. */
  readonly run?: { readonly manifest: Manifest; readonly golden: Golden };
};

/**
 * Reads a model's folder without running anything. For a process with limits alone (check-process.ts): what a commit
 * holds can take any time and memory to read.
 * @param reading told of each file before it is read
 */
export const checkFiles = (folder: ModelFolder, reading: (file: string) => void): FilesCheckResult => {
  const { model, files } = folder;
  reading(manifestFile);
  const bytes = files.get(manifestFile);
  if (!bytes)
    return {
      folder: [missingFileProblem(manifestFile, "Write it: docs/model.schema.json says what belongs there.")],
      graph: [],
    };
  const read = readOrProblems(() => readManifest(bytes));
  if ("problems" in read) return { folder: read.problems, graph: [] };
  const yaml = new TextDecoder().decode(bytes);
  const manifest = read.value;
  const found: FolderProblem[] = [];
  if (manifest.name !== model)
    found.push({
      severity: "error",
      file: manifestFile,
      ...locateYaml(yaml)(["name"]),
      path: "name",
      message: `the folder is named ${model}`,
      remedy: `Write name: ${model}, or rename the folder.`,
    });
  reading(manifest.artifact);
  const graph = checkGraph(manifest, folder, yaml);
  reading("golden.json");
  const goldenBytes = files.get("golden.json");
  const golden = goldenBytes
    ? readOrProblems(() => parseGolden(goldenBytes, manifest))
    : {
        problems: [
          missingFileProblem(
            "golden.json",
            "Write it with the training project: rows and what the model answered them.",
          ),
        ],
      };
  if ("problems" in golden) found.push(...golden.problems);
  reading("holdout.csv");
  const holdoutBytes = files.get("holdout.csv");
  const holdout = holdoutBytes
    ? readOrProblems(() => parseHoldout(holdoutBytes, manifest))
    : {
        problems: [
          missingFileProblem(
            "holdout.csv",
            "Write it with the training project: rows that were kept from training, with their label.",
          ),
        ],
      };
  if ("problems" in holdout) found.push(...holdout.problems);
  return {
    folder: found,
    graph,
    ...(graph.length === 0 && "value" in golden ? { run: { manifest, golden: golden.value } } : {}),
  };
};
