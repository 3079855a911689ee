import { byteCharacters } from "#inference/text/fast/merge-byte-pairs.ts";

export type TokenizerContent = Readonly<Record<string, unknown>>;

const specialToken = (content: string, id: number, normalized = false) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized,
  special: true,
});

const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;

/**
 * BERT's tokenizer with each character below `characters` as a token, alone and inside of a word, so that its tokens show
 * what became of each character, and a few words.
 */
export const createBertTokenizer = (
  options: {
    readonly clean_text?: boolean;
    readonly handle_chinese_chars?: boolean;
    readonly strip_accents?: boolean | null;
    readonly lowercase?: boolean;
  } = {},
  {
    characters = 0x3100,
    postProcessor,
  }: { readonly characters?: number; readonly postProcessor?: object } = {},
): TokenizerContent => {
  const tokens = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "the",
    "film",
    "un",
    "##believable",
    "believable",
    "한국",
  ];
  for (let code = 0; code < characters; code++) {
    const character = String.fromCodePoint(code);
    if (!isSurrogate(code)) tokens.push(character, `##${character}`);
  }
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map((content, id) => specialToken(content, id)),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
      ...options,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: postProcessor ?? {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
      ],
      pair: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
        { Sequence: { id: "B", type_id: 1 } },
        { SpecialToken: { id: "[SEP]", type_id: 1 } },
      ],
      special_tokens: {
        "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
        "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
      },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  };
};

const trainingText =
  "the film was not bad, it was unbelievable: don't say that they're all the same. naïve café Straße 1000 2024 (see above) " +
  "Это хороший фильм. 漢字 漢字 한국어 한국어 🦆🦆 aaaa aaaa  aa   ...... !!! ab abab ababab abb bab";

/** Merges that BPE learns from a text: again and again, the most frequent pair of neighbours. */
const learnMerges = (text: string, count: number): readonly (readonly [string, string])[] => {
  const words = (text.match(/ ?\S+|\s+/g) ?? []).map((word) =>
    Array.from(new TextEncoder().encode(word), (byte) => byteCharacters[byte] ?? ""),
  );
  const merges: (readonly [string, string])[] = [];
  while (merges.length < count) {
    const counts = new Map<string, number>();
    for (const word of words)
      for (let at = 0; at + 1 < word.length; at++) {
        const pair = `${word[at]} ${word[at + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    const [best] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    if (!best) return merges;
    const [left = "", right = ""] = best[0].split(" ");
    merges.push([left, right]);
    for (const word of words)
      for (let at = 0; at + 1 < word.length; at++)
        if (word[at] === left && word[at + 1] === right) word.splice(at, 2, left + right);
  }
  return merges;
};
const merges = learnMerges(trainingText, 160);

/** GPT-2's tokenizer with the merges of a short text. */
export const createByteLevelTokenizer = ({
  addPrefixSpace = false,
  ignoreMerges = false,
  normalizer = null,
  legacyMerges = false,
  roberta = true,
}: {
  readonly addPrefixSpace?: boolean;
  readonly ignoreMerges?: boolean;
  readonly normalizer?: object | null;
  readonly legacyMerges?: boolean;
  readonly roberta?: boolean;
} = {}): TokenizerContent => {
  // With a word that no merges lead to: it counts only where merges are ignored.
  const tokens = new Set([
    "<s>",
    "</s>",
    ...byteCharacters,
    ...merges.map(([left, right]) => left + right),
    "Ġzzz",
  ]);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [specialToken("<s>", 0, normalizer === null), specialToken("</s>", 1)],
    normalizer,
    pre_tokenizer: {
      type: "ByteLevel",
      add_prefix_space: addPrefixSpace,
      trim_offsets: true,
      use_regex: true,
    },
    post_processor: roberta
      ? {
          type: "RobertaProcessing",
          sep: ["</s>", 1],
          cls: ["<s>", 0],
          trim_offsets: true,
          add_prefix_space: addPrefixSpace,
        }
      : { type: "ByteLevel", add_prefix_space: addPrefixSpace, trim_offsets: false, use_regex: true },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: ignoreMerges,
      vocab: Object.fromEntries([...tokens].map((token, id) => [token, id])),
      merges: legacyMerges ? merges.map((merge) => merge.join(" ")) : merges,
    },
  };
};

/** One of each kind that has a fast way. */
export const fastTokenizers: Readonly<Record<string, TokenizerContent>> = {
  "BERT, uncased": createBertTokenizer(),
  "BERT, cased": createBertTokenizer({ lowercase: false }),
  "BERT, lowercase with accents": createBertTokenizer({ strip_accents: false }),
  "BERT, accents stripped, cased": createBertTokenizer({ strip_accents: true, lowercase: false }),
  "BERT, not cleaned": createBertTokenizer({ clean_text: false }),
  "BERT, nothing but words": createBertTokenizer({
    clean_text: false,
    handle_chinese_chars: false,
    strip_accents: false,
    lowercase: false,
  }),
  "BERT, Chinese in runs": createBertTokenizer(
    { handle_chinese_chars: false },
    { postProcessor: { type: "BertProcessing", sep: ["[SEP]", 3], cls: ["[CLS]", 2] } },
  ),
  "byte-level BPE": createByteLevelTokenizer(),
  "byte-level BPE, prefixed": createByteLevelTokenizer({ addPrefixSpace: true, legacyMerges: true }),
  "byte-level BPE, whole words": createByteLevelTokenizer({ ignoreMerges: true, roberta: false }),
  "byte-level BPE, composed": createByteLevelTokenizer({ normalizer: { type: "NFC" } }),
};
