/**
 * Builds the WebAssembly files that are written in C++, the kernel of tree ensembles and the scanner of rows, from their sources:
 * `npm run build:kernel`, or with `--check` to compare a build with the committed bytes and write nothing. Needs Python 3 with
 * venv: the compiler (Zig, which has clang and its linker) comes from PyPI in the version of requirements.txt, into a folder of
 * the user's cache. The same version gives the same bytes anywhere.
 */
import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { buildKernel, kernels, readKernel } from "./kernel-build.ts";

for (const kernel of kernels) {
  const name = basename(kernel.file);
  const bytes = await buildKernel(kernel);
  if (!process.argv.includes("--check")) {
    writeFileSync(kernel.file, bytes);
    console.log(`${name}: ${bytes.length} bytes`);
  } else if (Buffer.compare(bytes, readKernel(kernel)) === 0) {
    console.log(`${name} is this build.`);
  } else {
    throw new Error(`${name} is not the build of its sources: run npm run build:kernel and commit the file.`);
  }
}
