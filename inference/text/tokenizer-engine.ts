import { readFileSync } from "node:fs";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { TextRefused } from "./text-refused.ts";

/** A text's tokens, special tokens included. `cutEncodings`: how many more encodings of this length truncation cut off. */
export type Encoding = {
  readonly ids: Uint32Array;
  readonly typeIds: Uint32Array;
  readonly attentionMask: Uint32Array;
  readonly cutEncodings: number;
};
/** `offsets` has each token's start and end in its text, in characters (code points); both 0 for a special token. */
export type EncodingWithOffsets = Encoding & {
  readonly offsets: Uint32Array;
  readonly specialTokensMask: Uint32Array;
  /** The text that a token comes from: 0, 1, or 2 for none. */
  readonly sequenceIds: Uint32Array;
};

/** One tokenizer in memory. Both functions throw TextRefused where the reference implementation refuses a text. */
export type TokenizerEngine = {
  encode(text: string, pair?: string): Encoding;
  encodeWithOffsets(text: string, pair?: string): EncodingWithOffsets;
};

type Exports = {
  readonly memory: WebAssembly.Memory;
  allocate(length: number): number;
  open(start: number, length: number): number;
  encode(first: number, firstLength: number, second: number, secondLength: number, offsets: number): number;
  result_start(): number;
  result_length(): number;
};
type Instance = { readonly exports: Exports; readonly readPanic: () => string };

/** WASI's number of the error "bad file descriptor". */
const badDescriptor = 8;
const success = 0;
const stderr = 2;
const longestMessage = 300;

class ProcessExit extends Error {
  override readonly name = "ProcessExit";
}

let compiled: WebAssembly.Module | undefined;
const compile = (): WebAssembly.Module => {
  const module =
    compiled ?? new WebAssembly.Module(readFileSync(new URL("tokenizers.wasm", import.meta.url)));
  compiled = module;
  return module;
};

/**
 * Starts an instance. It has no file, no clock and no environment: of WASI it gets random numbers for hash tables, and a
 * stderr that keeps the message of a panic.
 */
const createInstance = (): Instance => {
  let panic = "";
  const view = () => new DataView(exports.memory.buffer);
  const refuse = () => badDescriptor;
  const wasi = {
    random_get: (start: number, length: number) => {
      crypto.getRandomValues(new Uint8Array(exports.memory.buffer, start, length));
      return success;
    },
    environ_sizes_get: (count: number, size: number) => {
      view().setUint32(count, 0, true);
      view().setUint32(size, 0, true);
      return success;
    },
    environ_get: () => success,
    sched_yield: () => success,
    fd_write: (descriptor: number, vectors: number, count: number, written: number) => {
      if (descriptor !== stderr) return badDescriptor;
      let total = 0;
      for (let at = 0; at < count; at++) {
        const start = view().getUint32(vectors + 8 * at, true);
        const length = view().getUint32(vectors + 8 * at + 4, true);
        if (panic.length < longestMessage)
          panic += new TextDecoder().decode(new Uint8Array(exports.memory.buffer, start, length));
        total += length;
      }
      view().setUint32(written, total, true);
      return success;
    },
    fd_close: refuse,
    fd_fdstat_get: refuse,
    fd_filestat_get: refuse,
    fd_read: refuse,
    fd_seek: refuse,
    proc_exit: () => {
      throw new ProcessExit("the tokenizer ended");
    },
  };
  const instance = new WebAssembly.Instance(compile(), { wasi_snapshot_preview1: wasi });
  // The functions of crate/src/lib.rs; WebAssembly has no types for them.
  const exports = instance.exports as unknown as Exports;
  return {
    exports,
    // "thread … panicked at <place>:", the message, a note about backtraces.
    readPanic: () =>
      panic
        .trim()
        .split("\n")
        .filter((line) => !/^(thread .* panicked at|note: )/.test(line))
        .join(" ")
        .slice(0, longestMessage),
  };
};

const encoder = new TextEncoder();

const writeText = ({ allocate, memory }: Exports, text: string): readonly [start: number, length: number] => {
  const bytes = encoder.encode(text);
  const start = allocate(bytes.length);
  new Uint8Array(memory.buffer, start, bytes.length).set(bytes);
  return [start, bytes.length];
};

/** Copies the result: the next call overwrites it. */
const readResult = ({ memory, result_start, result_length }: Exports): Uint8Array =>
  new Uint8Array(memory.buffer, result_start(), result_length()).slice();

const readMessage = (exports: Exports): string =>
  new TextDecoder().decode(readResult(exports)).slice(0, longestMessage);

const openInstance = (json: string): Instance => {
  const instance = createInstance();
  const { exports, readPanic } = instance;
  try {
    if (exports.open(...writeText(exports, json)) === success) return instance;
  } catch (error) {
    throw new ModelUnreadable(
      `the file is not a Hugging Face tokenizer.json: ${readPanic() || String(error).slice(0, longestMessage)}`,
    );
  }
  throw new ModelUnreadable(`the file is not a Hugging Face tokenizer.json: ${readMessage(exports)}`);
};

/**
 * Opens a tokenizer.json in Hugging Face's own implementation, compiled to WebAssembly (crate/). Each text has the tokens
 * that Python's `tokenizers` gives it. After a panic, which Python reports as PanicException, the next text gets a new
 * instance. Throws ModelUnreadable.
 * @param json the file's text; its truncation and padding apply
 */
export const createTokenizerEngine = (json: string): TokenizerEngine => {
  let instance: Instance | undefined = openInstance(json);
  const run = (text: string, pair: string | undefined, offsets: 0 | 1): Uint32Array => {
    instance ??= openInstance(json);
    const { exports, readPanic } = instance;
    let status: number;
    try {
      const first = writeText(exports, text);
      const second = pair === undefined ? ([0, 0] as const) : writeText(exports, pair);
      status = exports.encode(...first, ...second, offsets);
    } catch (error) {
      instance = undefined;
      const reason = readPanic() || String(error).slice(0, longestMessage);
      throw new TextRefused(`Hugging Face's implementation fails on it (${reason})`);
    }
    if (status !== success) throw new TextRefused(readMessage(exports));
    return new Uint32Array(readResult(exports).buffer);
  };
  /** Splits the numbers of crate/src/lib.rs into parts of the encoding's length. */
  const readParts = (numbers: Uint32Array, parts: number) => {
    const length = (numbers.length - 1) / parts;
    const part = (from: number, to = from + 1) => numbers.subarray(1 + from * length, 1 + to * length);
    return {
      part,
      encoding: { ids: part(0), typeIds: part(1), attentionMask: part(2), cutEncodings: numbers[0] ?? 0 },
    };
  };
  return {
    encode: (text, pair) => readParts(run(text, pair, 0), 3).encoding,
    encodeWithOffsets: (text, pair) => {
      const { part, encoding } = readParts(run(text, pair, 1), 7);
      return { ...encoding, offsets: part(3, 5), specialTokensMask: part(5), sequenceIds: part(6) };
    },
  };
};
