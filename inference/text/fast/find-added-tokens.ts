import { hasOnlyKeys, isId } from "./json-shapes.ts";

/** Each token is searched for in each text. */
const maxAddedTokens = 512;
const flags = ["single_word", "lstrip", "rstrip", "normalized", "special"] as const;

/**
 * Reads `added_tokens` into a function that says whether a text may contain one. Undefined where the file has added tokens
 * of another form, or where they are searched for in the normalized text.
 */
export const findAddedTokens = (
  addedTokens: unknown,
  { isNormalized }: { readonly isNormalized: boolean },
): ((text: string) => boolean) | undefined => {
  if (!Array.isArray(addedTokens) || addedTokens.length > maxAddedTokens) return undefined;
  /** The tokens by their first characters: most texts have none of these. */
  const contents = new Map<string, string[]>();
  for (const token of addedTokens) {
    if (!hasOnlyKeys(token, ["id", "content", ...flags]) || !isId(token.id)) return undefined;
    if (flags.some((flag) => typeof token[flag] !== "boolean")) return undefined;
    const { content, normalized } = token;
    if (typeof content !== "string" || content === "" || !content.isWellFormed()) return undefined;
    if (normalized === true && isNormalized) return undefined;
    const [first = ""] = content;
    contents.set(first, [...(contents.get(first) ?? []), content]);
  }
  const groups = [...contents];
  return (text) =>
    groups.some(([first, tokens]) => text.includes(first) && tokens.some((token) => text.includes(token)));
};
