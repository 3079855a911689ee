import { createSeededRandom } from "#test/support/seeded-random.ts";
import { compareFastTokens, type FastComparison } from "./compare-fast-tokens.ts";
import { createCharacterTexts } from "./create-character-texts.ts";
import { createTexts } from "./create-texts.ts";
import { createBertTokenizer, fastTokenizers, type TokenizerContent } from "./fast-tokenizers.ts";

type Texts = (random: () => number, count: number) => Iterable<string | readonly [string, string]>;

const createPairs = function* (random: () => number, count: number): Generator<readonly [string, string]> {
  const first = createTexts(random, count);
  for (const text of createTexts(random, count)) yield [first.next().value ?? "", text];
};

/** Ways to encode, with their share of the texts. */
const ways: readonly {
  readonly share: number;
  readonly texts: Texts;
  readonly options: Parameters<typeof compareFastTokens>[2];
}[] = [
  { share: 0.4, texts: createTexts, options: {} },
  { share: 0.2, texts: createTexts, options: { maxTokens: 16 } },
  { share: 0.2, texts: createTexts, options: { maxTokens: 7, direction: "Left" } },
  { share: 0.2, texts: createPairs, options: { maxTokens: 256, isPair: true } },
];

type Kind = { readonly name: string } & FastComparison;

/** Its tokens show what became of each character of the first three planes. */
const allCharacters = createBertTokenizer({}, { characters: 0x3_0000 });

/**
 * Compares each kind of tokenizer that has a fast way with the reference implementation. Equal options give equal texts.
 * @param texts their number, over all kinds
 * @param onKind called with each kind when it is done
 */
export const fuzzFastTokenizers = ({
  seed,
  texts,
  everyCharacter = false,
  onKind = () => {},
}: {
  readonly seed: number;
  readonly texts: number;
  readonly everyCharacter?: boolean;
  readonly onKind?: (kind: Kind) => void;
}): {
  readonly kinds: readonly Kind[];
  readonly differences: readonly string[];
} => {
  const random = createSeededRandom(seed);
  const names = Object.entries(fastTokenizers);
  const kinds: Kind[] = [];
  const add = (kind: Kind): void => {
    kinds.push(kind);
    onKind(kind);
  };
  for (const [name, content] of names)
    for (const { share, texts: create, options } of ways) {
      // Without special tokens around two texts, the reference decides.
      if (options?.isPair && content.post_processor && isByteLevel(content.post_processor)) continue;
      const count = Math.ceil((texts * share) / names.length);
      add({ name, ...compareFastTokens(content, create(random, count), options) });
    }
  if (everyCharacter)
    for (const [name, content] of [...names, ["BERT, uncased, all characters", allCharacters] as const])
      add({ name, ...compareFastTokens(content, createCharacterTexts(0, 0x10_ffff)) });
  return {
    kinds,
    differences: kinds.flatMap(({ name, differences }) => differences.map((line) => `${name}: ${line}`)),
  };
};

const isByteLevel = (processor: TokenizerContent[string]): boolean =>
  typeof processor === "object" &&
  processor !== null &&
  "type" in processor &&
  processor.type === "ByteLevel";
