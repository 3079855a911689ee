import { findIndexProblems } from "#inference/model/find-index-problems.ts";
import { IndexOutOfRange } from "#inference/model/model-errors.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import type { Session } from "#inference/model/session.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { encodeRows, maxProblems } from "#model-folder/rows/encode-rows.ts";
import type { RowProblem } from "#model-folder/rows/row-problem.ts";
import { type Batch, batchByLength } from "./batch-by-length.ts";
import { bindTokens, type TokenFeed } from "./bind-tokens.ts";
import type { TextTokenizer } from "./open-tokenizer.ts";
import type { Padding } from "./read-tokenizer-settings.ts";
import { TextRefused } from "./text-refused.ts";
import type { Encoding } from "./tokenizer-engine.ts";

type Dependencies = {
  readonly session: Session;
  readonly tokenizer: TextTokenizer;
  readonly outputs: readonly string[];
  readonly read: (data: readonly unknown[], rows: number) => Prediction[];
};

/** Values of a token that fills a text up. */
const findFiller = (name: TokenFeed["name"], { id, typeId }: Padding): number => {
  switch (name) {
    case "input_ids":
      return id ?? 0;
    case "token_type_ids":
      return typeId;
    case "attention_mask":
      return 0;
    default:
      return name satisfies never;
  }
};

const readTokens = (name: TokenFeed["name"], { ids, typeIds, attentionMask }: Encoding): Uint32Array =>
  name === "input_ids" ? ids : name === "token_type_ids" ? typeIds : attentionMask;

/** Creates a batch's data, [texts, width]: each text's tokens, and padding on the tokenizer's side. */
const createData = (
  { name, element }: TokenFeed,
  texts: readonly Encoding[],
  width: number,
  padding: Padding,
) => {
  const cells = texts.length * width;
  const filler = findFiller(name, padding);
  const data =
    element === "int64" ? new BigInt64Array(cells).fill(BigInt(filler)) : new Int32Array(cells).fill(filler);
  for (const [row, text] of texts.entries()) {
    const tokens = readTokens(name, text);
    const start = row * width + (padding.direction === "Left" ? width - tokens.length : 0);
    for (const [column, token] of tokens.entries()) {
      if (data instanceof BigInt64Array) data[start + column] = BigInt(token);
      else data[start + column] = token;
    }
  }
  return data;
};

/**
 * Returns the length to which a text is filled up. The file's fixed length counts even with an attention mask, because a
 * graph may ignore the mask, for example in the mean over its tokens.
 */
const findPaddedLength = (length: number, tokens: number | undefined, padding: Padding): number => {
  if (tokens !== undefined) return tokens;
  const atLeast = Math.max(length, padding.fixedTokens ?? 0, 1);
  return Math.ceil(atLeast / padding.multiple) * padding.multiple;
};

const encodeTexts = (tokenizer: TextTokenizer, texts: readonly string[], input: string): Encoding[] => {
  const problems: RowProblem[] = [];
  const encodings: Encoding[] = [];
  for (const [row, text] of texts.entries()) {
    try {
      encodings.push(tokenizer.encode(text));
    } catch (error) {
      if (!(error instanceof TextRefused)) throw error;
      problems.push({ row, input, detail: `cannot be tokenized: ${error.message}` });
      if (problems.length >= maxProblems) break;
    }
  }
  if (problems.length > 0) throw new RowsInvalid(problems);
  return encodings;
};

/** The manifest's limit, or the graph's fixed number of tokens where that is less. */
export const limitTokens = (graphInputs: readonly GraphValue[], maxTokens: number): number => {
  const binding = bindTokens(graphInputs);
  return binding.status === "bound" ? Math.min(maxTokens, binding.tokens ?? maxTokens) : maxTokens;
};

/**
 * Predicts texts: tokenizes each, runs texts of similar length together, and returns predictions in the request's order.
 * Throws ModelUnreadable if the graph's inputs do not match a tokenizer.
 */
export const predictTexts = (
  manifest: Pick<Manifest, "inputs">,
  { session, tokenizer, outputs, read }: Dependencies,
) => {
  const binding = bindTokens(session.inputs);
  if (binding.status === "mismatched")
    throw new ModelUnreadable(binding.mismatches.map(({ message }) => message).join("\n"));
  // Validates the text like any text column.
  const encode = encodeRows(
    manifest.inputs.map((input) => ({
      input,
      feed: { name: input.name, element: "string", rank: 1, width: 1 },
      offset: 0,
    })),
  );
  const { feeds, rows: fixedRows, tokens: fixedTokens } = binding;
  const { padding } = tokenizer;
  const isMasked = feeds.some(({ name }) => name === "attention_mask");
  const needsFiller = fixedTokens !== undefined || padding.fixedTokens !== undefined || padding.multiple > 1;
  if (!isMasked && needsFiller && padding.id === undefined)
    throw new ModelUnreadable(
      "the graph has no attention_mask, and the tokenizer does not say which token fills a text up: call tokenizer.enable_padding(pad_id=…, pad_token=…) in Python and save tokenizer.json again",
    );
  const run = async ({ rows, tokens }: Batch, encodings: readonly Encoding[]): Promise<Prediction[]> => {
    const texts = rows.flatMap((row) => encodings[row] ?? []);
    const tensors = Object.fromEntries(
      feeds.map((feed) => [
        feed.name,
        new session.Tensor(feed.element, createData(feed, texts, tokens, padding), [texts.length, tokens]),
      ]),
    );
    return read(await session.run(tensors, outputs), texts.length);
  };
  const predictEncodings = async (encodings: readonly Encoding[]): Promise<Prediction[]> => {
    const lengths = encodings.map(({ ids }) => findPaddedLength(ids.length, fixedTokens, padding));
    const predictions = new Array<Prediction>(encodings.length);
    const batches = batchByLength(lengths, {
      ...(fixedRows === undefined ? {} : { rowLimit: fixedRows }),
      sameLength: !isMasked,
    });
    for (const batch of batches) {
      const batchPredictions = await run(batch, encodings);
      for (const [index, row] of batch.rows.entries()) {
        const prediction = batchPredictions[index];
        if (prediction) predictions[row] = prediction;
      }
    }
    return predictions;
  };
  const [input] = manifest.inputs;
  return async (rows: unknown): Promise<Prediction[]> => {
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    const texts = [...(encoded.feeds[0]?.data ?? [])].map(String);
    const encodings = encodeTexts(tokenizer, texts, input?.name ?? "");
    try {
      return await predictEncodings(encodings);
    } catch (error) {
      if (!(error instanceof IndexOutOfRange)) throw error;
      // A token that the graph's table does not have, or more tokens than it has positions for.
      const problems = await findIndexProblems(encodings, predictEncodings, () => input?.name);
      throw problems.length > 0 ? new RowsInvalid(problems) : error;
    }
  };
};
