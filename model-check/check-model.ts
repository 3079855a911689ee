import * as z from "zod";
import { type FolderProblem, formatProblem, ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { defaultTrialLimits } from "./default-trial-limits.ts";
import { FolderProblems } from "./folder-problems-schema.ts";
import { type ResourceLimits, runLimitedProcess } from "./run-limited-process.ts";

export type ModelFolder = {
  /** The folder's name. */
  readonly model: string;
  /** File name in the folder to content. */
  readonly files: ReadonlyMap<string, Uint8Array>;
};
type Options = {
  readonly trial?: Pick<ResourceLimits, "seconds" | "residentMb">;
  /** Seconds for reading all files. */
  readonly readSeconds?: number;
};

const manifestFile = "model.yaml";
const defaultReadSeconds = 10;
/** At most some hundred problems of a few hundred bytes each. */
const outputBytes = 2 * 1_024 * 1_024;

/** What check-process.ts tells, in this order. */
export const CheckMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("reading"), file: z.string() }),
  z.object({ kind: z.literal("read"), folder: FolderProblems, graph: FolderProblems, runs: z.boolean() }),
  z.object({ kind: z.literal("ran"), graph: FolderProblems }),
]);
export type CheckMessage = z.infer<typeof CheckMessage>;

/** What cannot be part of a model is not even written for the check. */
const isModelFile = (name: string): boolean =>
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.(yaml|onnx|json|csv)$/.test(name);

type CheckResult = { readonly folder: readonly FolderProblem[]; readonly graph: readonly FolderProblem[] };

const runCheck = async ({ model, files }: ModelFolder, options: Options): Promise<CheckResult> => {
  const { trial = defaultTrialLimits, readSeconds = defaultReadSeconds } = options;
  let reading: string | undefined;
  let read: Extract<CheckMessage, { kind: "read" }> | undefined;
  let ran: readonly FolderProblem[] | undefined;
  const broken = await runLimitedProcess({
    program: new URL("check-process.ts", import.meta.url),
    args: [model],
    files: new Map([...files].filter(([name]) => isModelFile(name))),
    limits: { ...trial, outputBytes },
    message: CheckMessage,
    onMessage: (message) => {
      switch (message.kind) {
        case "reading": {
          const first = reading === undefined;
          reading = message.file;
          // The start of a process on a busy machine is no reading.
          return first ? readSeconds : undefined;
        }
        case "read":
          read = message;
          return trial.seconds;
        case "ran":
          ran = message.graph;
          return undefined;
        default:
          return message satisfies never;
      }
    },
  });
  if (!read)
    return {
      folder: [
        {
          severity: "error",
          file: reading ?? manifestFile,
          path: "",
          message: `the check could not read it: ${broken ?? "it ended without a word"}`,
          remedy: `A check has ${readSeconds} s and ${trial.residentMb} MB of memory: make the file smaller and flatter, or write it again with the training project.`,
        },
      ],
      graph: [],
    };
  const { folder, graph, runs } = read;
  if (!runs || ran) return { folder, graph: [...graph, ...(ran ?? [])] };
  return {
    folder,
    graph: [
      ...graph,
      {
        severity: "error",
        file: [...files.keys()].find((name) => name.endsWith(".onnx")) ?? "model.onnx",
        path: "",
        message: `the model does not answer its golden rows: ${broken ?? "it ended without a word"}`,
        remedy: "Run it in Python with onnxruntime on these rows, and export again.",
      },
    ],
  };
};

/**
 * Checks a model's folder as a build does: manifest, ONNX file, golden vectors, holdout, and a first run, all of it in
 * a process with limits on time, memory and output (runLimitedProcess), so that nothing that a commit holds is parsed here
 * before that process accepted it. Gives every mistake with its line and remedy; golden vectors that are answered
 * otherwise are a warning here, because only the deployed function's answer counts.
 */
export const checkModel = async (folder: ModelFolder, options: Options = {}): Promise<FolderProblem[]> => {
  const found = await runCheck(folder, options);
  return [...found.folder, ...found.graph];
};

/** The check as a build needs it: the manifest, or throws ManifestInvalid, else ModelUnreadable, where there is an error. */
export const assertModel = async (
  folder: ModelFolder,
  options: Options = {},
): Promise<Manifest | undefined> => {
  const found = await runCheck(folder, options);
  const errors = (problems: readonly FolderProblem[]) =>
    problems.filter(({ severity }) => severity === "error");
  if (errors(found.folder).length > 0) throw new ManifestInvalid(errors(found.folder));
  const graph = errors(found.graph);
  if (graph.length > 0) throw new ModelUnreadable(graph.map(formatProblem).join("\n"));
  const manifest = folder.files.get(manifestFile);
  return manifest && readManifest(manifest);
};
