import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The kernel's exports; their types are those of source/kernel.cpp. */
type Kernel = {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  free_memory(): number;
  ensemble_bytes(): number;
  add_words(sums: number, words: number, count: number): void;
  holds(
    ensemble: number,
    columns: number,
    nodes: number,
    records: number,
    maskVectors: number,
    leaves: number,
  ): number;
  run(ensemble: number, rows: number): void;
};

let compiled: WebAssembly.Module | undefined;
const compile = (): WebAssembly.Module => {
  // A URL would load its parser first.
  const module = compiled ?? new WebAssembly.Module(readFileSync(join(import.meta.dirname, "kernel.wasm")));
  compiled = module;
  return module;
};

/** A new instance of the kernel, with a memory of its own. */
export const instantiateKernel = (): Kernel => new WebAssembly.Instance(compile(), {}).exports as Kernel;
