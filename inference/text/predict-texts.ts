import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import type { Session } from "#inference/model/session.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { type Batch, batchByLength } from "./batch-by-length.ts";
import { bindTokens, type TokenFeed } from "./bind-tokens.ts";
import type { Tokenize } from "./open-tokenizer.ts";

type Needs = {
  readonly session: Session;
  readonly tokenize: Tokenize;
  readonly outputs: readonly string[];
  readonly read: (data: readonly unknown[], rows: number) => Prediction[];
};

/** One batch's tensor: ids and zeros behind them, ones and zeros where text is, or zeros for the one segment. */
const fill = ({ name, element }: TokenFeed, texts: readonly (readonly number[])[], width: number) => {
  const cells = texts.length * width;
  const data = element === "int64" ? new BigInt64Array(cells) : new Int32Array(cells);
  if (name === "token_type_ids") return data;
  for (const [row, ids] of texts.entries())
    for (const [at, id] of ids.entries()) {
      const value = name === "attention_mask" ? 1 : id;
      if (data instanceof BigInt64Array) data[row * width + at] = BigInt(value);
      else data[row * width + at] = value;
    }
  return data;
};

/**
 * Answers texts: tokenizes each, runs texts of like length together, and gives the answers in the request's order.
 * Throws ModelUnreadable where the graph does not take what tokenizers give.
 */
export const predictTexts = (
  manifest: Pick<Manifest, "inputs">,
  { session, tokenize, outputs, read }: Needs,
) => {
  const bound = bindTokens(session.inputs);
  if (bound.status === "mismatched")
    throw new ModelUnreadable(bound.mismatches.map(({ message }) => message).join("\n"));
  // The text itself is checked like any column of text.
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
      bound.feeds.map((feed) => [
        feed.name,
        new session.Tensor(feed.element, fill(feed, texts, tokens), [rows.length, tokens]),
      ]),
    );
    return read(await session.run(feeds, outputs), rows.length);
  };
  return async (rows: unknown): Promise<Prediction[]> => {
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    const ids = [...(encoded.feeds[0]?.data ?? [])].map((text) => tokenize(String(text)));
    const predictions = new Array<Prediction>(ids.length);
    for (const batch of batchByLength(ids.map(({ length }) => length))) {
      const answered = await run(batch, ids);
      for (const [at, row] of batch.rows.entries()) {
        const prediction = answered[at];
        if (prediction) predictions[row] = prediction;
      }
    }
    return predictions;
  };
};
