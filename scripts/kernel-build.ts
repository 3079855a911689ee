import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const kernel = fileURLToPath(new URL("../inference/model/compiled/kernel/", import.meta.url));
const python = process.env.PYTHON ?? "python3";

export const kernelFile = join(kernel, "kernel.wasm");
export const readKernel = (): Uint8Array => readFileSync(kernelFile);

const options = [
  "--target=wasm32-freestanding",
  "-mcpu=generic+simd128+relaxed_simd+bulk_memory",
  "-std=c++20",
  "-O3",
  "-nostdlib",
  "-fno-exceptions",
  "-fno-rtti",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wl,--no-entry",
  "-Wl,--strip-all",
  "-Wl,-z,stack-size=65536",
  // Bounds what an ensemble can take: 1 GiB.
  "-Wl,--max-memory=1073741824",
];

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The interpreter of a virtual environment with the compiler, made once for each content of requirements.txt. */
const installCompiler = async (): Promise<string> => {
  const requirements = join(kernel, "requirements.txt");
  const { stdout } = await run(python, ["-c", "import sys; print(sys.version, sys.base_prefix)"]);
  const key = createHash("sha256")
    .update(stdout)
    .update(await readFile(requirements))
    .digest("hex")
    .slice(0, 16);
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "slipway");
  const folder = join(cache, `kernel-${key}`);
  if (!(await exists(folder))) {
    await mkdir(cache, { recursive: true });
    const building = await mkdtemp(`${folder}-`);
    await run(python, ["-m", "venv", building]);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    await run(join(building, "bin", "python"), [...install, "-r", requirements]);
    // Another build may have been faster: its environment is the same.
    await rename(building, folder).catch(() => rm(building, { recursive: true, force: true }));
  }
  return join(folder, "bin", "python");
};

/** The bytes of kernel.wasm, built in a temporary folder. Throws if the compiler cannot be installed or finds an error. */
export const buildKernel = async (): Promise<Uint8Array> => {
  const compiler = await installCompiler();
  const output = await mkdtemp(join(tmpdir(), "slipway-kernel-"));
  try {
    const file = join(output, "kernel.wasm");
    const zig = ["-m", "ziglang", "c++", ...options, "-o", file, "source/kernel.cpp"];
    const cache = join(output, "cache");
    await run(compiler, zig, {
      cwd: kernel,
      env: { ...process.env, ZIG_LOCAL_CACHE_DIR: cache, ZIG_GLOBAL_CACHE_DIR: cache },
    });
    return await readFile(file);
  } finally {
    await rm(output, { recursive: true, force: true });
  }
};
