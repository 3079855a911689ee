import * as z from "zod";
import {
  defaultTrialLimits,
  type ProcessFailure,
  runLimitedProcess,
} from "#model-check/run-limited-process.ts";

import { Input, Row } from "#model-folder/manifest/manifest.ts";

/** What the manifest says about the tokenizer of a text model. */
export const TokenizerRules = z.object({
  file: z.string(),
  maxTokens: z.int(),
  text: z.string().optional(),
  pair: z.tuple([z.string(), z.string()]).optional(),
});
export type TokenizerRules = z.infer<typeof TokenizerRules>;
/** The tokenizer.json of a text model, and its rules. */
export type Tokenizer = { readonly bytes: Uint8Array; readonly rules: TokenizerRules };

/** The process's input; `tokenizer`: only for a text model. */
export const ProbeRequest = z.object({
  inputs: z.array(Input),
  rows: z.array(Row),
  tokenizer: TokenizerRules.optional(),
  /** Whether outputs of more than two dimensions matter too. */
  wide: z.boolean(),
});
export type ProbeRequest = z.infer<typeof ProbeRequest>;

/** The graph's outputs for some rows. */
export const Probe = z.object({
  status: z.literal("answered"),
  outputs: z.array(
    z.object({
      name: z.string(),
      /** By row: finite floats as numbers, other floats as null, integers and text as text. */
      data: z.array(z.union([z.number(), z.string(), z.null()])),
      /** The dimensions of one row, null where they differ; absent: the first dimension is not the rows, or of a text. */
      shape: z.array(z.int().nullable()).optional(),
      /** The number of cells of each row, where rows differ. */
      widths: z.array(z.int()).optional(),
    }),
  ),
  /** Texts that were cut off after the most tokens; only for a text model. */
  truncatedRows: z.int().optional(),
  /** Outputs with a vector for each token of a text, [rows, tokens, width], without their numbers. */
  tokenOutputs: z
    .array(z.object({ name: z.string(), width: z.int(), least: z.number(), greatest: z.number() }))
    .default([]),
  /** Durations of runs with one row. */
  milliseconds: z.array(z.number()),
});
export type Probe = z.infer<typeof Probe>;

const Result = z.discriminatedUnion("status", [
  Probe,
  z.object({ status: z.literal("failed"), message: z.string() }),
]);
const program = new URL("probe-process.ts", import.meta.url);

const outputBytes = 64 * 1_024 * 1_024;

/** Runs a graph on rows in a process with limits on time and memory, and returns its outputs. */
export const probeModel = async (
  {
    onnx,
    tokenizer,
    wide,
  }: { readonly onnx: Uint8Array; readonly tokenizer: Tokenizer | undefined; readonly wide: boolean },
  inputs: readonly Input[],
  rows: readonly Row[],
): Promise<Probe | ProcessFailure> => {
  const request = new TextEncoder().encode(
    JSON.stringify({ inputs, rows, tokenizer: tokenizer?.rules, wide }),
  );
  let result: Probe | ProcessFailure | undefined;
  const processError = await runLimitedProcess({
    program,
    files: new Map([
      ["model.onnx", onnx],
      ["probe.json", request],
      ...(tokenizer ? ([["tokenizer.json", tokenizer.bytes]] as const) : []),
    ]),
    limits: { ...defaultTrialLimits, outputBytes },
    message: Result,
    onMessage: (message) => {
      result = message;
      return undefined;
    },
  });
  return result ?? { status: "failed", message: processError ?? "the process ended without a result" };
};
