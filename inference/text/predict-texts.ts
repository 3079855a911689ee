import type { Images } from "#inference/image/open-images.ts";
import { createFeeds } from "#inference/model/create-feeds.ts";
import { findIndexProblems } from "#inference/model/find-index-problems.ts";
import { IndexOutOfRange, RunFailed } from "#inference/model/model-errors.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import type { Session } from "#inference/model/session.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { type EncodedFeed, encodeRows, maxProblems } from "#model-folder/rows/encode-rows.ts";
import type { RowProblem } from "#model-folder/rows/row-problem.ts";
import { selectRows } from "#model-folder/rows/select-rows.ts";
import { type Batch, batchByLength } from "./batch-by-length.ts";
import { bindTexts } from "./bind-texts.ts";
import { bindTokens, type TokenFeed } from "./bind-tokens.ts";
import { findMostTokens } from "./find-most-tokens.ts";
import type { TextTokenizer } from "./open-tokenizer.ts";
import type { Padding } from "./read-tokenizer-settings.ts";
import { TextRefused } from "./text-refused.ts";
import type { TokenBatch } from "./token-batch.ts";
import type { Encoding } from "./tokenizer-engine.ts";

type Dependencies = {
  readonly session: Session;
  readonly tokenizer: TextTokenizer;
  /** Decodes the images that the model takes beside its text. */
  readonly images: Images | undefined;
  readonly outputs: readonly string[];
  readonly read: (data: readonly unknown[], rows: number, tokens: TokenBatch) => Prediction[];
  /** The tokenizer's limit, for messages. */
  readonly maxTokens: number;
  /** Whether `read` needs each token's place in its text. */
  readonly needsOffsets?: boolean;
  /** Refuses a text that is longer than maxTokens, where a prediction would be missing for its end. */
  readonly refuseCutTexts?: boolean;
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

type EncodedText = TokenBatch["rows"][number]["encoding"];
/** A row of the request: its (first) text, its tokens, and its place, where its columns' values are. */
type EncodedRow = { readonly text: string; readonly encoding: EncodedText; readonly row: number };
type EncodedTable = { readonly feeds: readonly EncodedFeed[]; readonly rows: readonly EncodedRow[] };

/** The first tokens of a text, to try how many of them a graph takes. */
const takeTokens = (encoding: EncodedText, tokens: number): EncodedText => ({
  ...encoding,
  ids: encoding.ids.subarray(0, tokens),
  typeIds: encoding.typeIds.subarray(0, tokens),
  attentionMask: encoding.attentionMask.subarray(0, tokens),
  ...("offsets" in encoding
    ? {
        offsets: encoding.offsets.subarray(0, 2 * tokens),
        specialTokensMask: encoding.specialTokensMask.subarray(0, tokens),
        sequenceIds: encoding.sequenceIds.subarray(0, tokens),
      }
    : {}),
});

/** Keeps results by text, so that equal texts of a request are one object. The length tells where the second one starts. */
const encodeOnce = (
  encode: (text: string, second?: string) => EncodedText,
): ((text: string, second?: string) => EncodedText) => {
  const encodings = new Map<string, EncodedText>();
  return (text, second) => {
    const key = second === undefined ? text : `${text.length}:${text}${second}`;
    const encoding = encodings.get(key) ?? encode(text, second);
    encodings.set(key, encoding);
    return encoding;
  };
};

/** Tokenizes each row's texts; `texts` has one list per text input. Throws RowsInvalid. */
const encodeTexts = (
  { tokenizer, needsOffsets = false, refuseCutTexts = false, maxTokens }: Dependencies,
  texts: readonly { readonly input: string; readonly cells: readonly string[] }[],
): EncodedText[] => {
  const problems: RowProblem[] = [];
  const encodings: EncodedText[] = [];
  const encode = encodeOnce(needsOffsets ? tokenizer.encodeWithOffsets : tokenizer.encode);
  const [first, second] = texts;
  for (const [row, text] of (first?.cells ?? []).entries()) {
    const addProblem = (detail: string) => problems.push({ row, input: first?.input ?? "", detail });
    try {
      const encoding = encode(text, second?.cells[row]);
      if (refuseCutTexts && encoding.cutEncodings > 0)
        addProblem(`has more than ${maxTokens} tokens: send it in parts`);
      // Padding alone has an answer too, about nothing; Python fails there. Without a token there is no entity.
      if (encoding.ids.length === 0 && !needsOffsets) addProblem("has no tokens for the model");
      encodings.push(encoding);
    } catch (error) {
      if (!(error instanceof TextRefused)) throw error;
      addProblem(`cannot be tokenized: ${error.message}`);
    }
    if (problems.length >= maxProblems) break;
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
 * Predicts texts, or pairs of them, also beside columns of a table: tokenizes each, runs texts of similar length together,
 * and returns predictions in the request's order. Throws ModelUnreadable if the graph's inputs do not match the manifest.
 */
export const predictTexts = (
  manifest: Pick<Manifest, "inputs" | "tokenizer">,
  dependencies: Dependencies,
) => {
  const { session, tokenizer, images, outputs, read } = dependencies;
  const binding = bindTexts(manifest, session.inputs);
  if (binding.status === "mismatched")
    throw new ModelUnreadable(binding.mismatches.map(({ message }) => message).join("\n"));
  // Validates texts like any text column.
  const encode = encodeRows([...binding.texts, ...binding.columns], images);
  const { feeds, rows: fixedRows, tokens: fixedTokens } = binding;
  const { padding } = tokenizer;
  const isMasked = feeds.some(({ name }) => name === "attention_mask");
  const needsFiller = fixedTokens !== undefined || padding.fixedTokens !== undefined || padding.multiple > 1;
  if (!isMasked && needsFiller && padding.id === undefined)
    throw new ModelUnreadable(
      "the graph has no attention_mask, and the tokenizer does not say which token fills a text up: call tokenizer.enable_padding(pad_id=…, pad_token=…) in Python and save tokenizer.json again",
    );
  const run = async ({ rows, tokens }: Batch, all: EncodedTable): Promise<Prediction[]> => {
    const chosen = rows.flatMap((row) => all.rows[row] ?? []);
    const columns = all.feeds.map((feed) =>
      selectRows(
        feed,
        chosen.map(({ row }) => row),
      ),
    );
    const encodings = chosen.map(({ encoding }) => encoding);
    const tokenFeeds = feeds.map(
      (feed): EncodedFeed => ({
        name: feed.name,
        type: feed.element,
        data: createData(feed, encodings, tokens, padding),
        dims: [chosen.length, tokens],
      }),
    );
    const tensors = createFeeds([...tokenFeeds, ...columns]);
    const batch = chosen.map(({ text, encoding }) => ({
      text,
      encoding,
      start: padding.direction === "Left" ? tokens - encoding.ids.length : 0,
    }));
    const data = await session.run(tensors, outputs);
    return read(data, batch.length, { width: tokens, rows: batch });
  };
  /** Equal texts have one encoding (encodeOnce); without columns they have one prediction too. */
  const findDistinctRows = ({ feeds: columns, rows }: EncodedTable): readonly EncodedRow[] => {
    if (columns.length > 0) return rows;
    const distinct = new Map(rows.map((row) => [row.encoding, row]));
    return distinct.size === rows.length ? rows : [...distinct.values()];
  };
  const predictDistinct = async (all: EncodedTable): Promise<Prediction[]> => {
    const lengths = all.rows.map(({ encoding }) =>
      findPaddedLength(encoding.ids.length, fixedTokens, padding),
    );
    const predictions = new Array<Prediction>(all.rows.length);
    const batches = batchByLength(lengths, {
      ...(fixedRows === undefined ? {} : { fixedRows }),
      // Padding on the left moves a text's places: graphs count them from the first token, masked or not (GPT-2).
      sameLength: !isMasked || padding.direction === "Left",
    });
    for (const batch of batches) {
      const batchPredictions = await run(batch, all);
      for (const [index, row] of batch.rows.entries()) {
        const prediction = batchPredictions[index];
        if (prediction) predictions[row] = prediction;
      }
    }
    return predictions;
  };
  const predictEncodings = async (all: EncodedTable): Promise<Prediction[]> => {
    const distinct = findDistinctRows(all);
    const predictions = await predictDistinct({ ...all, rows: distinct });
    if (distinct === all.rows) return predictions;
    const byEncoding = new Map(distinct.map(({ encoding }, index) => [encoding, predictions[index]]));
    return all.rows.flatMap(({ encoding }) => byEncoding.get(encoding) ?? []);
  };
  /** As far as runs that failed have shown; undefined: no run failed for the number of its tokens. */
  let mostTokens: number | undefined;
  /** Throws RowsInvalid for texts with more tokens than the graph runs with. */
  const assertTokensFit = ({ rows }: EncodedTable): void => {
    if (mostTokens === undefined) return;
    const most = mostTokens;
    const problems = rows.flatMap(({ encoding: { ids } }, row): RowProblem[] =>
      ids.length <= most
        ? []
        : [
            {
              row,
              ...(text === undefined ? {} : { input: text.input.name }),
              detail: `has ${ids.length} tokens, and the model runs with at most ${most}: send a shorter text`,
            },
          ],
    );
    if (problems.length > 0) throw new RowsInvalid(problems.slice(0, maxProblems));
  };
  /** After a run that failed: whether the number of tokens is the cause. */
  const learnMostTokens = async (all: EncodedTable): Promise<void> => {
    if (fixedTokens !== undefined || mostTokens !== undefined) return;
    const longest = all.rows.reduce<EncodedRow | undefined>(
      (most, row) => (most && most.encoding.ids.length >= row.encoding.ids.length ? most : row),
      undefined,
    );
    if (!longest) return;
    const { encoding } = longest;
    mostTokens = await findMostTokens(encoding.ids.length, (tokens) =>
      run(
        { rows: [0], tokens },
        { feeds: all.feeds, rows: [{ ...longest, encoding: takeTokens(encoding, tokens) }] },
      ),
    );
  };
  const [text, ...otherTexts] = binding.texts;
  // A value outside a table can be a token, or a column's; only one text alone is certain.
  const onlyText = otherTexts.length === 0 && binding.columns.length === 0 ? text?.input.name : undefined;
  return async (rows: unknown): Promise<Prediction[]> => {
    await images?.prepare();
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    // encodeRows returns feeds in the order of its columns: texts come first.
    const texts = binding.texts.map(({ input }, index) => ({
      input: input.name,
      cells: [...(encoded.feeds[index]?.data ?? [])].map(String),
    }));
    const all = encodeTexts(dependencies, texts).map(
      (encoding, row): EncodedRow => ({ encoding, text: texts[0]?.cells[row] ?? "", row }),
    );
    const columns = encoded.feeds.slice(binding.texts.length);
    const predict = (some: readonly EncodedRow[]) => predictEncodings({ feeds: columns, rows: some });
    const table = { feeds: columns, rows: all };
    assertTokensFit(table);
    try {
      return await predict(all);
    } catch (error) {
      if (error instanceof RunFailed) {
        await learnMostTokens(table);
        assertTokensFit(table);
      }
      if (!(error instanceof IndexOutOfRange)) throw error;
      // A token that the graph's table does not have, or more tokens than it has positions for.
      const problems = await findIndexProblems(all, predict, () => onlyText);
      throw problems.length > 0 ? new RowsInvalid(problems) : error;
    }
  };
};
