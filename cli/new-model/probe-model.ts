import * as z from "zod";
import {
  defaultTrialLimits,
  type ProcessFailure,
  runLimitedProcess,
} from "#model-check/run-limited-process.ts";

import { Input, Row } from "#model-folder/manifest/manifest.ts";

/** The tokenizer.json of a text model, and how many tokens of a text it takes. */
export type Tokenizer = { readonly bytes: Uint8Array; readonly maxTokens: number };

/** What the process is asked: `maxTokens` where the one input is text for a tokenizer. */
export const ProbeRequest = z.object({
  inputs: z.array(Input),
  rows: z.array(Row),
  maxTokens: z.int().optional(),
});
export type ProbeRequest = z.infer<typeof ProbeRequest>;

/** All that a graph gave for some rows. */
export const Probe = z.object({
  status: z.literal("answered"),
  outputs: z.array(
    z.object({
      name: z.string(),
      /** Row by row. Floats as numbers, or null where they are not finite; integers and text as text. */
      data: z.array(z.union([z.number(), z.string(), z.null()])),
    }),
  ),
  /** Time of each of some runs of one row. */
  milliseconds: z.array(z.number()),
});
export type Probe = z.infer<typeof Probe>;

const Result = z.discriminatedUnion("status", [
  Probe,
  z.object({ status: z.literal("failed"), message: z.string() }),
]);
const program = new URL("probe-process.ts", import.meta.url);

const outputBytes = 64 * 1_024 * 1_024;

/** Runs a graph on rows in a process with limits on time and memory, and tells what each of its outputs holds. */
export const probeModel = async (
  { onnx, tokenizer }: { readonly onnx: Uint8Array; readonly tokenizer: Tokenizer | undefined },
  inputs: readonly Input[],
  rows: readonly Row[],
): Promise<Probe | ProcessFailure> => {
  const question = new TextEncoder().encode(
    JSON.stringify({ inputs, rows, maxTokens: tokenizer?.maxTokens }),
  );
  let found: Probe | ProcessFailure | undefined;
  const broken = await runLimitedProcess({
    program,
    files: new Map([
      ["model.onnx", onnx],
      ["probe.json", question],
      ...(tokenizer ? ([["tokenizer.json", tokenizer.bytes]] as const) : []),
    ]),
    limits: { ...defaultTrialLimits, outputBytes },
    message: Result,
    onMessage: (message) => {
      found = message;
      return undefined;
    },
  });
  return found ?? { status: "failed", message: broken ?? "it ended without a word" };
};
