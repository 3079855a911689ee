import type { Encoding, EncodingWithOffsets } from "./tokenizer-engine.ts";

/** The tokens of a run's rows; an output per token has the shape [rows, width, …]. */
export type TokenBatch = {
  /** The number of tokens that each row is filled up to. */
  readonly width: number;
  readonly rows: readonly {
    readonly text: string;
    readonly encoding: Encoding | EncodingWithOffsets;
    /** The place of the row's first token, after padding on the left. */
    readonly start: number;
  }[];
};
