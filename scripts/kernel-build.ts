import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const kernel = join(root, "inference", "model", "compiled", "kernel");
const python = process.env.PYTHON ?? "python3";

/** A WebAssembly file and its C++ source. */
type Kernel = { readonly file: string; readonly source: string };

/** All WebAssembly files that are built from C++: the kernel of tree ensembles and the scanner of rows. */
export const kernels: readonly Kernel[] = [
  { file: join(kernel, "kernel.wasm"), source: "kernel.cpp" },
  { file: join(root, "model-folder", "rows", "scan", "scan.wasm"), source: "scan.cpp" },
];
export const readKernel = ({ file }: Kernel): Uint8Array => readFileSync(file);

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
  // Bounds what an ensemble or a body can take: 1 GiB.
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

/** The bytes of a kernel, built in a temporary folder. Throws if the compiler cannot be installed or finds an error. */
export const buildKernel = async ({ file: built, source }: Kernel): Promise<Uint8Array> => {
  const compiler = await installCompiler();
  const output = await mkdtemp(join(tmpdir(), "slipway-kernel-"));
  try {
    const file = join(output, basename(built));
    const zig = ["-m", "ziglang", "c++", ...options, "-o", file, `source/${source}`];
    const cache = join(output, "cache");
    await run(compiler, zig, {
      cwd: dirname(built),
      env: { ...process.env, ZIG_LOCAL_CACHE_DIR: cache, ZIG_GLOBAL_CACHE_DIR: cache },
    });
    return await readFile(file);
  } finally {
    await rm(output, { recursive: true, force: true });
  }
};
