/**
 * Builds inference/text/tokenizers.wasm from inference/text/crate and records its checksum in tokenizers.build.json:
 * `npm run build:tokenizers`, or with `--check` to compare a build with the recorded checksum and write nothing. Needs
 * rustup's cargo, clang 16 and wasi-libc (Debian: clang-16, llvm-16, wasi-libc); rust-toolchain.toml pins the compiler and
 * Cargo.lock the crates, so the same versions give the same bytes in any folder.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { computeSourcesHash, hashBytes } from "./tokenizers-build.ts";

const text = fileURLToPath(new URL("../inference/text/", import.meta.url));
const crate = join(text, "crate");
const target = "wasm32-wasip1";
const clang = process.env.CLANG ?? "clang-16";
const archiver = process.env.LLVM_AR ?? "llvm-ar-16";
const headers = process.env.WASI_HEADERS ?? "/usr/include/wasm32-wasi";
/** Bounds what a text can take: then the instance ends like after a panic. */
const maxMemoryBytes = 1_024 * 1_024 * 1_024;

const run = (file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void => {
  execFileSync(file, args, {
    cwd: crate,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
};

const readVersion = (file: string): string =>
  execFileSync(file, ["--version"], { cwd: crate, encoding: "utf8" }).split("\n")[0]?.trim() ?? "";

run("cargo", ["fetch", "--locked", "--target", target]);
const cargoHome = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
const sources = join(cargoHome, "registry", "src");
const output = mkdtempSync(join(tmpdir(), "slipway-tokenizers-"));
try {
  // No path of this machine may be in the file: panics name their source.
  const remapped = [
    ...readdirSync(sources).map((name) => `${join(sources, name)}=/crates`),
    `${crate.replace(/\/$/, "")}=/crate`,
    `${output}=/target`,
  ];
  run("cargo", ["build", "--release", "--locked", "--offline", "--target", target, "--target-dir", output], {
    [`CC_${target.replaceAll("-", "_")}`]: clang,
    [`AR_${target.replaceAll("-", "_")}`]: archiver,
    [`CFLAGS_${target.replaceAll("-", "_")}`]: [
      `--target=wasm32-wasi -isystem ${headers} -O3`,
      ...remapped.map((prefix) => `-ffile-prefix-map=${prefix}`),
    ].join(" "),
    RUSTFLAGS: [
      `-C link-arg=--max-memory=${maxMemoryBytes} -C link-arg=-zstack-size=4194304`,
      "-C target-feature=+simd128,+bulk-memory",
      ...remapped.map((prefix) => `--remap-path-prefix=${prefix}`),
    ].join(" "),
  });
  const bytes = readFileSync(join(output, target, "release", "slipway_tokenizers.wasm"));
  const record = {
    sha256: hashBytes(bytes),
    sources: computeSourcesHash(crate),
    rustc: readVersion("rustc"),
    clang: readVersion(clang),
  };
  const recordFile = join(text, "tokenizers.build.json");
  if (process.argv.includes("--check")) {
    const { sha256 } = JSON.parse(readFileSync(recordFile, "utf8"));
    if (sha256 !== record.sha256)
      throw new Error(
        `The build's checksum is ${record.sha256} (${record.rustc}, ${record.clang}), but tokenizers.build.json has ${sha256}. Build with the versions that it names.`,
      );
    console.log(`tokenizers.wasm is this build: ${record.sha256}`);
  } else {
    writeFileSync(join(text, "tokenizers.wasm"), bytes);
    writeFileSync(recordFile, `${JSON.stringify(record, undefined, 2)}\n`);
    console.log(`tokenizers.wasm: ${bytes.length} bytes, ${record.sha256}`);
  }
} finally {
  rmSync(output, { recursive: true, force: true });
}
