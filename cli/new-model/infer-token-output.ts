import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { splitWords } from "#model-folder/rows/split-words.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { Probe } from "./probe-model.ts";
import type { ScoredGuess } from "./scored-guess.ts";
import type { InferredTask, Pooling } from "./task-evidence.ts";

type Entities = Extract<Manifest, { task: "entities" }>["output"];

/** Labels of tokens, whose names and order are still unknown. */
export type InferredTokenLabels = Pick<Entities, "scores" | "graphOutput"> & {
  readonly task: "entities";
  /** The number of labels. */
  readonly width: number;
};
type InferredEmbedding = InferredTask & { readonly task: "embedding" };

type TokenEvidence = {
  readonly outputs: readonly GraphValue[];
  readonly probe: Probe;
  /** The rows' texts, where the model has exactly one text. */
  readonly texts: readonly string[] | undefined;
  /** The cells of each target. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
  readonly task: string | undefined;
  readonly pooling: Pooling | undefined;
  readonly normalize: boolean | undefined;
};
type RowOutput = { readonly name: string; readonly width: number };

const isEmbeddingName = (name: string): boolean => /embed|^pooler_output$|^pooled_output$/i.test(name);

/** Float outputs [rows, width]. */
const listRowOutputs = ({ outputs, probe }: TokenEvidence, rows: number): RowOutput[] =>
  probe.outputs.flatMap(({ name, data }) => {
    const value = outputs.find((each) => each.name === name);
    const isFloat = value?.kind === "tensor" && value.type.startsWith("float");
    const width = data.length / rows;
    return isFloat && Number.isInteger(width) && width > 1 ? [{ name, width }] : [];
  });

/** Whether each cell has one tag for each word of its text. */
const hasTags = (texts: readonly string[], cells: readonly string[]): boolean =>
  texts.every((text, row) => splitWords(text).length === splitWords(cells[row] ?? "").length) &&
  texts.some((text) => splitWords(text).length > 1);

const inferTokenLabels = (evidence: TokenEvidence): InferredTokenLabels => {
  const { tokenOutputs } = evidence.probe;
  const output =
    tokenOutputs.find(({ name }) => name === "logits") ??
    (tokenOutputs.length === 1 ? tokenOutputs[0] : undefined);
  if (!output)
    throw new NewModelRefused(
      tokenOutputs.length === 0
        ? "no output of the graph has scores for each token, a float tensor [N, tokens, labels]"
        : `several outputs of the graph have numbers for each token: ${tokenOutputs.map(({ name }) => name).join(", ")}`,
      "Export the scores of each token's labels as logits.",
    );
  const { name, width, least, greatest } = output;
  return {
    task: "entities",
    ...(tokenOutputs.length > 1 ? { graphOutput: name } : {}),
    width,
    scores: least >= 0 && greatest <= 1 ? "probabilities" : "logits",
  };
};

const poolingRemedy =
  "Choose how the vectors of a text's tokens become one: --pooling mean, --pooling cls or --pooling max (sentence-transformers writes it in 1_Pooling/config.json).";

const guessPooling: ScoredGuess = {
  subject: "pooling",
  choice: "mean, because the graph gives a vector for each token and does not say how they become one",
  alternative:
    "--pooling cls or --pooling max gives other vectors (sentence-transformers writes it in 1_Pooling/config.json)",
  isDoubtful: false,
};
const guessNormalize: ScoredGuess = {
  subject: "normalize",
  choice: "false, because the graph does not say whether vectors are divided by their length",
  alternative:
    "--normalize if Python divides them (sentence-transformers: a module Normalize in modules.json)",
  isDoubtful: false,
};

const inferEmbedding = (evidence: TokenEvidence, rowOutputs: readonly RowOutput[]): InferredEmbedding => {
  const { pooling, normalize = false } = evidence;
  const normalizeGuess = evidence.normalize === undefined ? [guessNormalize] : [];
  const { tokenOutputs } = evidence.probe;
  const vectors = rowOutputs.find(({ name }) => name === "sentence_embedding") ?? rowOutputs[0];
  const pooled =
    pooling === "none" || tokenOutputs.length === 0 || vectors?.name === "sentence_embedding"
      ? vectors
      : undefined;
  if (pooled && (pooling === undefined || pooling === "none")) {
    if (rowOutputs.length > 1 && pooled.name !== "sentence_embedding")
      throw new NewModelRefused(
        `several outputs of the graph have a vector for each row: ${rowOutputs.map(({ name }) => name).join(", ")}`,
        "Export only the embedding.",
      );
    return {
      task: "embedding",
      output: {
        name: "embedding",
        ...(rowOutputs.length > 1 ? { graphOutput: pooled.name } : {}),
        dimensions: pooled.width,
        pooling: "none",
        normalize,
      },
      truth: [],
      guesses: [],
      scoredGuesses: normalizeGuess,
    };
  }
  const hidden =
    tokenOutputs.find(({ name }) => /^(last_hidden_state|token_embeddings)$/.test(name)) ??
    (tokenOutputs.length === 1 ? tokenOutputs[0] : undefined);
  if (!hidden || pooling === "none")
    throw new NewModelRefused(
      tokenOutputs.length === 0 || pooling === "none"
        ? "no output of the graph has a vector for each row, a float tensor [N, dimensions]"
        : `several outputs of the graph have vectors for each token: ${tokenOutputs.map(({ name }) => name).join(", ")}`,
      tokenOutputs.length === 0
        ? "Export the embedding as a tensor [N, dimensions], or the last hidden state as [N, tokens, dimensions]."
        : `Export only the last hidden state, named last_hidden_state. ${poolingRemedy}`,
    );
  return {
    task: "embedding",
    output: {
      name: "embedding",
      ...(tokenOutputs.length > 1 ? { graphOutput: hidden.name } : {}),
      dimensions: hidden.width,
      pooling: pooling ?? "mean",
      normalize,
    },
    truth: [],
    guesses: [],
    scoredGuesses: [...(pooling === undefined ? [guessPooling] : []), ...normalizeGuess],
  };
};

/**
 * Infers a model of entities or embeddings: entities where the target has a tag for each word and the graph scores for each
 * token; an embedding where the graph has nothing else than vectors of tokens or of rows named as embeddings. Undefined: the
 * model is of another kind. Throws NewModelRefused where `task` does not fit graph or target.
 */
export const inferTokenOutput = (
  evidence: TokenEvidence,
  rows: number,
): InferredTokenLabels | InferredEmbedding | undefined => {
  const { task, probe, texts, targets, pooling } = evidence;
  if (task !== undefined && task !== "entities" && task !== "embedding") return undefined;
  const rowOutputs = listRowOutputs(evidence, rows);
  const [cells, ...others] = targets.values();
  const isTagged = others.length === 0 && cells !== undefined && texts !== undefined && hasTags(texts, cells);
  const hasTokens = probe.tokenOutputs.length > 0;
  if (task === "entities" || (task === undefined && pooling === undefined && hasTokens && isTagged)) {
    if (isTagged) return inferTokenLabels(evidence);
    const row = texts?.findIndex(
      (text, at) => splitWords(text).length !== splitWords(cells?.[at] ?? "").length,
    );
    throw new NewModelRefused(
      row === undefined || row < 0
        ? "a model of entities takes one text, and its target has a tag for each of the text's words"
        : `the target has ${splitWords(cells?.[row] ?? "").length} tags for the ${splitWords(texts?.[row] ?? "").length} words of ${JSON.stringify((texts?.[row] ?? "").slice(0, 60))}`,
      "Write one tag for each word between white space, separated by blanks, for example: O B-PER I-PER O.",
    );
  }
  const onlyVectors =
    hasTokens &&
    probe.outputs.every(
      ({ name }) => isEmbeddingName(name) || !rowOutputs.some((each) => each.name === name),
    );
  if (task === "embedding" || pooling !== undefined || onlyVectors)
    return inferEmbedding(evidence, rowOutputs);
  return undefined;
};
