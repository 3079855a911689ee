import { bindTokens } from "#inference/text/bind-tokens.ts";
import { readTokenizerSettings, type TokenizerSettings } from "#inference/text/read-tokenizer-settings.ts";
import type { FolderProblem } from "#model-folder/manifest/folder-problem.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";

type Tokenizer = NonNullable<Manifest["tokenizer"]>;
type Finding = Pick<FolderProblem, "severity" | "path" | "message" | "remedy">;

const readVocabulary = (vocab: unknown): ReadonlySet<unknown> =>
  Array.isArray(vocab)
    ? new Set(vocab.map((entry: unknown) => (Array.isArray(entry) ? entry[0] : undefined)))
    : new Set(isJsonObject(vocab) ? Object.keys(vocab) : []);

/** Words for what happens to a text that the vocabulary does not cover; undefined if nothing does. */
const findUnknownWords = (model: unknown): Finding[] => {
  if (!isJsonObject(model)) return [];
  const { type, unk_token: token, unk_id: id, vocab } = model;
  const needsToken =
    type === "WordPiece" || type === "WordLevel" || (type === "BPE" && typeof token === "string");
  const isMissing =
    (needsToken && !readVocabulary(vocab).has(token)) ||
    (type === "Unigram" && (id === null || id === undefined) && model.byte_fallback !== true);
  return isMissing
    ? [
        {
          severity: "warning",
          path: "model.unk_token",
          message: `the model ${String(type)} has no token for unknown words${typeof token === "string" ? ` (${token} is not in its vocabulary)` : ""}: texts with other words are refused`,
          remedy:
            "Add the unknown token to the vocabulary and save tokenizer.json again, or accept the refusals.",
        },
      ]
    : [];
};

const findDropout = (model: unknown): Finding[] =>
  isJsonObject(model) && typeof model.dropout === "number" && model.dropout > 0
    ? [
        {
          severity: "error",
          path: "model.dropout",
          message: `the model ${String(model.type)} drops merges at random (dropout ${model.dropout}), which is for training: the same text has other tokens each time`,
          remedy: "Write tokenizer.model.dropout = None in Python and save tokenizer.json again.",
        },
      ]
    : [];

const compareLengths = (
  { maxTokens }: Tokenizer,
  { truncation }: TokenizerSettings,
  graphInputs: readonly GraphValue[],
): Finding[] => {
  const binding = bindTokens(graphInputs);
  const fixed = binding.status === "bound" ? binding.tokens : undefined;
  return [
    ...(fixed !== undefined && fixed < maxTokens
      ? [
          {
            severity: "warning" as const,
            path: "",
            message: `model.yaml's tokenizer.maxTokens is ${maxTokens}, but the graph takes ${fixed} tokens: texts are cut there`,
            remedy: `Write maxTokens: ${fixed}.`,
          },
        ]
      : []),
    ...(truncation && truncation.maxTokens !== Math.min(maxTokens, fixed ?? maxTokens)
      ? [
          {
            severity: "warning" as const,
            path: "truncation.max_length",
            message: `cuts texts at ${truncation.maxTokens} tokens, but model.yaml's tokenizer.maxTokens is ${maxTokens}, and that counts`,
            remedy: `Write maxTokens: ${truncation.maxTokens}, unless the model was trained with ${maxTokens} tokens.`,
          },
        ]
      : []),
  ];
};

/**
 * Finds what in a tokenizer.json differs from the manifest and the graph, or makes predictions random or incomplete.
 * @param bytes of tokenizer.json
 */
export const checkTokenizer = (
  tokenizer: Tokenizer,
  bytes: Uint8Array,
  graphInputs: readonly GraphValue[],
): FolderProblem[] => {
  try {
    const settings = readTokenizerSettings(bytes);
    const { model } = settings.content;
    return [
      ...findDropout(model),
      ...findUnknownWords(model),
      ...compareLengths(tokenizer, settings, graphInputs),
    ].map((finding) => ({ file: tokenizer.file, ...finding }));
  } catch (error) {
    if (!(error instanceof ModelUnreadable)) throw error;
    return [
      {
        severity: "error",
        file: tokenizer.file,
        path: "",
        message: error.message,
        remedy: "Save it again in Python: tokenizer.save('tokenizer.json').",
      },
    ];
  }
};
