import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, stop } from "esbuild";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
/** The programs that are timed, and what decides how. */
const entryPoints = ["bench/kernel/node-process.ts", "bench/kernel/measure-shape.ts"];
/** Read by these programs, not imported; onnxruntime-node's package.json has its version. */
const otherFiles = [
  "inference/model/compiled/kernel/kernel.wasm",
  "bench/kernel/python/peer.py",
  "bench/kernel/python/train_shape.py",
  "bench/requirements-kernel.txt",
  "node_modules/onnxruntime-node/package.json",
];

type MeasuredCode = {
  /** The same for the same content of all measured files. */
  readonly hash: string;
  /** The commit that last changed one of them, with `-dirty` if a file has changed since; "unknown" without git. */
  readonly commit: string;
  /** Paths from the root of the repository, sorted. */
  readonly files: readonly string[];
};

/** Every file of ours that a measurement of the kernel runs: found by its imports, so that none is forgotten. */
const listMeasuredFiles = async (): Promise<readonly string[]> => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    bundle: true,
    write: false,
    outdir: "unused",
    metafile: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  }).finally(stop);
  return [...new Set([...Object.keys(metafile.inputs), ...otherFiles])].sort();
};

/** Identifies the code whose speed bench:kernel measures: a result of other code is not this code's result. */
export const identifyMeasuredCode = async (): Promise<MeasuredCode> => {
  const files = await listMeasuredFiles();
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\0`).update(await readFile(`${root}${file}`));
  const git = async (...args: string[]) =>
    (await run("git", [...args, "--", ...files], { cwd: root })).stdout.trim();
  const commit = await Promise.all([git("log", "-1", "--format=%h"), git("status", "--porcelain")]).then(
    ([last, changed]) => `${last}${changed === "" ? "" : "-dirty"}`,
    () => "unknown",
  );
  return { hash: hash.digest("hex").slice(0, 16), commit, files };
};
