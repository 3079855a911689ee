import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const hashBytes = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The checksum of everything in the crate that decides its build: a changed source needs a new tokenizers.wasm. */
export const computeSourcesHash = (crate: string): string => {
  const hash = createHash("sha256");
  for (const name of ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "src/lib.rs"])
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(crate, name)))
      .update("\0");
  return hash.digest("hex");
};
