import * as z from "zod";
import { type FolderProblem, formatProblem, ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { type FileContent, measureSize, readContent } from "#platform/files/file-content.ts";
import { FolderProblems } from "./folder-problems-schema.ts";
import { type ResourceLimits, runLimitedProcess } from "./run-limited-process.ts";
import { scaleTrialLimits } from "./scale-trial-limits.ts";

export type ModelFolder = {
  /** The folder's name. */
  readonly model: string;
  /** File name in the folder to content. */
  readonly files: ReadonlyMap<string, FileContent>;
};
type Options = {
  readonly trial?: Pick<ResourceLimits, "seconds" | "residentMb">;
  /** Seconds for reading all files. */
  readonly readSeconds?: number;
};

const manifestFile = "model.yaml";
/** Enough for a few hundred problems of a few hundred bytes each. */
const outputBytes = 2 * 1_024 * 1_024;

/** The messages of check-process.ts, in this order. */
export const CheckMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("reading"), file: z.string() }),
  z.object({ kind: z.literal("read"), folder: FolderProblems, graph: FolderProblems, runs: z.boolean() }),
  z.object({ kind: z.literal("ran"), graph: FolderProblems, checkOnly: FolderProblems }),
]);
export type CheckMessage = z.infer<typeof CheckMessage>;

/** The check gets only files that can belong to a model. */
const isModelFile = (name: string): boolean =>
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.(yaml|onnx|json|csv)$/.test(name);

type CheckResult = {
  readonly folder: readonly FolderProblem[];
  readonly graph: readonly FolderProblem[];
  /** Errors of the check that stop no build: a version that serves today can have them, and is built again. */
  readonly checkOnly?: readonly FolderProblem[];
};

const measureLargestArtifact = (files: ModelFolder["files"]): number =>
  Math.max(
    0,
    ...[...files].flatMap(([name, content]) => (name.endsWith(".onnx") ? [measureSize(content)] : [])),
  );

const runCheck = async ({ model, files }: ModelFolder, options: Options): Promise<CheckResult> => {
  const { readSeconds: scaledReadSeconds, ...scaled } = scaleTrialLimits(measureLargestArtifact(files));
  const { trial = scaled, readSeconds = scaledReadSeconds } = options;
  let currentFile: string | undefined;
  let filesResult: Extract<CheckMessage, { kind: "read" }> | undefined;
  let runProblems: Extract<CheckMessage, { kind: "ran" }> | undefined;
  const failure = await runLimitedProcess({
    program: new URL("check-process.ts", import.meta.url),
    args: [model],
    files: new Map([...files].filter(([name]) => isModelFile(name))),
    limits: { ...trial, outputBytes },
    message: CheckMessage,
    onMessage: (message) => {
      switch (message.kind) {
        case "reading": {
          const isFirst = currentFile === undefined;
          currentFile = message.file;
          // The deadline starts here, because starting a process can be slow on a busy machine.
          return isFirst ? readSeconds : undefined;
        }
        case "read":
          filesResult = message;
          return trial.seconds;
        case "ran":
          runProblems = message;
          return undefined;
        default:
          return message satisfies never;
      }
    },
  });
  if (!filesResult)
    return {
      folder: [
        {
          severity: "error",
          file: currentFile ?? manifestFile,
          path: "",
          message: `the check could not read it: ${failure ?? "it ended without a result"}`,
          remedy: `The limits are ${readSeconds} s and ${trial.residentMb} MB of memory: make the file smaller and flatter, or write it again with the training project.`,
        },
      ],
      graph: [],
    };
  const { folder, graph, runs } = filesResult;
  if (!runs || runProblems)
    return {
      folder,
      graph: [...graph, ...(runProblems?.graph ?? [])],
      checkOnly: runProblems?.checkOnly ?? [],
    };
  return {
    folder,
    graph: [
      ...graph,
      {
        severity: "error",
        file: [...files.keys()].find((name) => name.endsWith(".onnx")) ?? "model.onnx",
        path: "",
        message: `the model cannot predict its golden rows: ${failure ?? "it ended without a result"}`,
        remedy: "Run it in Python with ONNX Runtime on these rows, then export it again.",
      },
    ],
  };
};

/**
 * Checks a model's folder as a build does: manifest, ONNX file, golden vectors, holdout and a first run. All of it runs in
 * a process with limits on time, memory and output (runLimitedProcess): this process parses no file before that one has
 * accepted it. Returns every mistake with its line and remedy. Golden vectors that differ are a warning with `failsDelivery`:
 * a build goes on, because the predictions of the deployed function decide.
 */
export const checkModel = async (folder: ModelFolder, options: Options = {}): Promise<FolderProblem[]> => {
  const result = await runCheck(folder, options);
  return [...result.folder, ...result.graph, ...(result.checkOnly ?? [])];
};

/** The same check for a build, without the errors that a version of today can have: returns the manifest; throws ManifestInvalid or else ModelUnreadable if there is an error. */
export const assertModel = async (
  folder: ModelFolder,
  options: Options = {},
): Promise<Manifest | undefined> => {
  const result = await runCheck(folder, options);
  const selectErrors = (problems: readonly FolderProblem[]) =>
    problems.filter(({ severity }) => severity === "error");
  const errors = selectErrors(result.folder);
  if (errors.length > 0) throw new ManifestInvalid(errors);
  const graph = selectErrors(result.graph);
  if (graph.length > 0) throw new ModelUnreadable(graph.map(formatProblem).join("\n"));
  const manifest = folder.files.get(manifestFile);
  return manifest && readManifest(await readContent(manifest));
};
