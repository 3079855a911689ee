/**
 * Builds inference/model/compiled/kernel/kernel.wasm from its sources: `npm run build:kernel`, or with `--check` to compare a build
 * with the committed bytes and write nothing. Needs Python 3 with venv: the compiler (Zig, which has clang and its linker) comes
 * from PyPI in the version of requirements.txt, into a folder of the user's cache. The same version gives the same bytes anywhere.
 */
import { writeFileSync } from "node:fs";
import { buildKernel, kernelFile, readKernel } from "./kernel-build.ts";

const bytes = await buildKernel();
if (!process.argv.includes("--check")) {
  writeFileSync(kernelFile, bytes);
  console.log(`kernel.wasm: ${bytes.length} bytes`);
} else if (Buffer.compare(bytes, readKernel()) === 0) {
  console.log("kernel.wasm is this build.");
} else {
  throw new Error(
    "kernel.wasm is not the build of its sources: run npm run build:kernel and commit the file.",
  );
}
