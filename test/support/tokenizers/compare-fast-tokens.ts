import { openFastTokenizer } from "#inference/text/fast/open-fast-tokenizer.ts";
import { TextRefused } from "#inference/text/text-refused.ts";
import { createTokenizerEngine, type Encoding } from "#inference/text/tokenizer-engine.ts";
import type { TokenizerContent } from "./fast-tokenizers.ts";

export type FastComparison = {
  readonly texts: number;
  /** Texts that the fast way leaves to the reference. */
  readonly left: number;
  /** One line for each text with other tokens. */
  readonly differences: readonly string[];
};

const format = ({ ids, typeIds, attentionMask, cutEncodings }: Encoding, isCounted: boolean): string =>
  // How much more was cut off, the reference knows only where it read on.
  `${ids.join()};${typeIds.join()};${attentionMask.join()};${isCounted ? Math.min(cutEncodings, 1) : ""}`;

/**
 * Compares the fast way's tokens of texts, or pairs, with the reference implementation's.
 * @throws an Error where the tokenizer has no fast way
 */
export const compareFastTokens = (
  content: TokenizerContent,
  texts: Iterable<string | readonly [string, string]>,
  {
    maxTokens = 8_192,
    direction = "Right",
    isPair = false,
  }: { readonly maxTokens?: number; readonly direction?: "Left" | "Right"; readonly isPair?: boolean } = {},
): FastComparison => {
  const fast = openFastTokenizer(content, { maxTokens, direction, isPair });
  if (!fast) throw new Error("the tokenizer has no fast way");
  const engine = createTokenizerEngine(
    JSON.stringify({
      ...content,
      padding: null,
      truncation: { direction, max_length: maxTokens, strategy: "LongestFirst", stride: 0 },
    }),
  );
  const encodeByReference = (first: string, second: string | undefined): Encoding | undefined => {
    try {
      return engine.encode(first, second);
    } catch (error) {
      if (error instanceof TextRefused) return undefined;
      throw error;
    }
  };
  let count = 0;
  let left = 0;
  const differences: string[] = [];
  for (const text of texts) {
    count++;
    const [first, second] = typeof text === "string" ? [text, undefined] : text;
    const encoding = fast.encode(first, second);
    if (!encoding) {
      left++;
      continue;
    }
    const expected = encodeByReference(first, second);
    const isCounted = fast.specialTokens > 0;
    const actual = format(encoding, isCounted);
    const wanted = expected ? format(expected, isCounted) : "refused";
    if (actual !== wanted)
      differences.push(`${JSON.stringify(text)} is ${actual}; the reference has ${wanted}`);
  }
  return { texts: count, left, differences };
};
