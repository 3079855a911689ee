import { findIndexProblems } from "#inference/model/find-index-problems.ts";
import { IndexOutOfRange } from "#inference/model/model-errors.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import type { Session } from "#inference/model/session.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { type Batch, batchByLength } from "./batch-by-length.ts";
import { bindTokens, type TokenFeed } from "./bind-tokens.ts";
import type { Tokenize } from "./open-tokenizer.ts";

type Dependencies = {
  readonly session: Session;
  readonly tokenize: Tokenize;
  readonly outputs: readonly string[];
  readonly read: (data: readonly unknown[], rows: number) => Prediction[];
};

/** Creates a batch's data: token ids padded with zeros, the attention mask, or zeros for the only segment. */
const createData = ({ name, element }: TokenFeed, texts: readonly (readonly number[])[], width: number) => {
  const cells = texts.length * width;
  const data = element === "int64" ? new BigInt64Array(cells) : new Int32Array(cells);
  if (name === "token_type_ids") return data;
  for (const [row, ids] of texts.entries())
    for (const [column, id] of ids.entries()) {
      const value = name === "attention_mask" ? 1 : id;
      if (data instanceof BigInt64Array) data[row * width + column] = BigInt(value);
      else data[row * width + column] = value;
    }
  return data;
};

/**
 * Predicts texts: tokenizes each, runs texts of similar length together, and returns predictions in the request's order.
 * Throws ModelUnreadable if the graph's inputs do not match a tokenizer.
 */
export const predictTexts = (
  manifest: Pick<Manifest, "inputs">,
  { session, tokenize, outputs, read }: Dependencies,
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
  const run = async ({ rows, tokens }: Batch, ids: readonly (readonly number[])[]): Promise<Prediction[]> => {
    const texts = rows.map((row) => ids[row] ?? []);
    const feeds = Object.fromEntries(
      binding.feeds.map((feed) => [
        feed.name,
        new session.Tensor(feed.element, createData(feed, texts, tokens), [rows.length, tokens]),
      ]),
    );
    return read(await session.run(feeds, outputs), rows.length);
  };
  const predictIds = async (ids: readonly (readonly number[])[]): Promise<Prediction[]> => {
    const predictions = new Array<Prediction>(ids.length);
    for (const batch of batchByLength(ids.map(({ length }) => length))) {
      const batchPredictions = await run(batch, ids);
      for (const [index, row] of batch.rows.entries()) {
        const prediction = batchPredictions[index];
        if (prediction) predictions[row] = prediction;
      }
    }
    return predictions;
  };
  return async (rows: unknown): Promise<Prediction[]> => {
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    const ids = [...(encoded.feeds[0]?.data ?? [])].map((text) => tokenize(String(text)));
    try {
      return await predictIds(ids);
    } catch (error) {
      if (!(error instanceof IndexOutOfRange)) throw error;
      // A token that the graph's table does not have, or more tokens than it has positions for.
      const problems = await findIndexProblems(ids, predictIds, () => manifest.inputs[0]?.name);
      throw problems.length > 0 ? new RowsInvalid(problems) : error;
    }
  };
};
