import { ManifestInvalid, type Problem, pathText, problemLine } from "../manifest/folder-problem.ts";
import { locateYaml } from "../manifest/locate-yaml.ts";
import type { Golden, Manifest } from "../manifest/manifest.ts";
import { readManifest } from "../manifest/read-manifest.ts";
import { bindInputs } from "../model/bind-inputs.ts";
import { findOutput } from "../model/find-output.ts";
import { inspectOnnx, type OnnxSummary } from "../model/inspect-onnx.ts";
import { ModelUnreadable } from "../model/model-unreadable.ts";
import { bindTokens } from "../text/bind-tokens.ts";
import { compareGolden } from "./compare-golden.ts";
import { parseGolden } from "./parse-golden.ts";
import { parseHoldout } from "./parse-holdout.ts";
import { defaultTrialLimits, type TrialLimits, tryModel } from "./try-model.ts";

export type ModelFolder = {
  /** The folder's name. */
  readonly model: string;
  /** File name in the folder to content. */
  readonly files: ReadonlyMap<string, Uint8Array>;
};
type Options = { readonly trial?: TrialLimits };

const manifestFile = "model.yaml";

const missing = (file: string, remedy: string): Problem => ({
  severity: "error",
  file,
  path: "",
  message: "is not there",
  remedy,
});

/** What a reader gives, or the problems that it throws. */
const attempt = <T>(read: () => T): { readonly value: T } | { readonly problems: readonly Problem[] } => {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof ManifestInvalid) return { problems: error.problems };
    throw error;
  }
};

const fits = (manifest: Manifest, graph: OnnxSummary, yaml: string): Problem[] => {
  const at = locateYaml(yaml);
  const bound = manifest.tokenizer ? bindTokens(graph.inputs) : bindInputs(manifest, graph.inputs);
  const found: Problem[] =
    bound.status === "bound"
      ? []
      : bound.mismatches.map(({ input, message, remedy }) => {
          const index = manifest.inputs.findIndex(({ name }) => name === input);
          const path = index < 0 ? ["inputs"] : ["inputs", index];
          return {
            severity: "error",
            file: manifestFile,
            ...at(path),
            path: pathText(path),
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

const checkGraph = (manifest: Manifest, { files }: ModelFolder, yaml: string): Problem[] => {
  const bytes = files.get(manifest.artifact);
  if (!bytes)
    return [missing(manifest.artifact, "Commit the exported model, or correct artifact in model.yaml.")];
  try {
    return fits(manifest, inspectOnnx(bytes), yaml);
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

const checkRun = async (
  manifest: Manifest,
  golden: Golden,
  { files }: ModelFolder,
  limits: TrialLimits,
): Promise<Problem[]> => {
  const needed = new Map(
    [...files].filter(([name]) =>
      [manifestFile, "golden.json", manifest.artifact, manifest.tokenizer?.file].includes(name),
    ),
  );
  const trial = await tryModel(needed, limits);
  if (trial.status === "failed")
    return [
      {
        severity: "error",
        file: manifest.artifact,
        path: "",
        message: `the model does not answer its golden rows: ${trial.message}`,
        remedy: "Run it in Python with onnxruntime on these rows, and export again.",
      },
    ];
  const [first, ...others] = compareGolden(golden, trial.predictions);
  return first
    ? [
        {
          severity: "warning",
          file: "golden.json",
          path: `predictions[${first.row}]`,
          message: `${first.what} is ${first.answered} here and was ${first.expected} at training (${others.length + 1} differ by more than ${golden.tolerance})`,
          remedy:
            "The delivery will end in GoldenVectorsDiffer: commit model and golden.json of one training run.",
        },
      ]
    : [];
};

const check = async (
  folder: ModelFolder,
  { trial = defaultTrialLimits }: Options,
): Promise<{ folder: Problem[]; graph: Problem[]; manifest?: Manifest }> => {
  const { model, files } = folder;
  const bytes = files.get(manifestFile);
  if (!bytes)
    return {
      folder: [missing(manifestFile, "Write it: docs/model.schema.json says what belongs there.")],
      graph: [],
    };
  const yaml = new TextDecoder().decode(bytes);
  const read = attempt(() => readManifest(yaml));
  if ("problems" in read) return { folder: [...read.problems], graph: [] };
  const manifest = read.value;
  const found: Problem[] = [];
  if (manifest.name !== model)
    found.push({
      severity: "error",
      file: manifestFile,
      ...locateYaml(yaml)(["name"]),
      path: "name",
      message: `the folder is named ${model}`,
      remedy: `Write name: ${model}, or rename the folder.`,
    });
  const graph = checkGraph(manifest, folder, yaml);
  const goldenBytes = files.get("golden.json");
  const golden = goldenBytes
    ? attempt(() => parseGolden(goldenBytes, manifest))
    : {
        problems: [
          missing(
            "golden.json",
            "Write it with the training project: rows and what the model answered them.",
          ),
        ],
      };
  if ("problems" in golden) found.push(...golden.problems);
  const holdoutBytes = files.get("holdout.csv");
  const holdout = holdoutBytes
    ? attempt(() => parseHoldout(holdoutBytes, manifest))
    : {
        problems: [
          missing(
            "holdout.csv",
            "Write it with the training project: rows that were kept from training, with their label.",
          ),
        ],
      };
  if ("problems" in holdout) found.push(...holdout.problems);
  if (graph.length === 0 && "value" in golden)
    graph.push(...(await checkRun(manifest, golden.value, folder, trial)));
  return { folder: found, graph, manifest };
};

/**
 * Checks a model's folder as a build does: manifest, ONNX file, golden vectors, holdout, and a first run in a process
 * with limits. Gives every mistake with its line and remedy; golden vectors that are answered otherwise are a warning
 * here, because only the deployed function's answer counts.
 */
export const checkModel = async (folder: ModelFolder, options: Options = {}): Promise<Problem[]> => {
  const found = await check(folder, options);
  return [...found.folder, ...found.graph];
};

/** The check as a build needs it: the manifest, or throws ManifestInvalid, else ModelUnreadable, where there is an error. */
export const assertModel = async (
  folder: ModelFolder,
  options: Options = {},
): Promise<Manifest | undefined> => {
  const found = await check(folder, options);
  const errors = (problems: readonly Problem[]) => problems.filter(({ severity }) => severity === "error");
  if (errors(found.folder).length > 0) throw new ManifestInvalid(errors(found.folder));
  const graph = errors(found.graph);
  if (graph.length > 0) throw new ModelUnreadable(graph.map(problemLine).join("\n"));
  return found.manifest;
};
