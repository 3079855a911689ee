import { isJsonObject } from "#untrusted/is-json-object.ts";
import { hasOnlyKeys, isId } from "./json-shapes.ts";

/** A part of an encoding: special tokens, or the first or the second text. */
export type TemplatePart =
  | { readonly kind: "special"; readonly ids: readonly number[]; readonly typeId: number }
  | { readonly kind: "text"; readonly index: 0 | 1; readonly typeId: number };
export type Template = { readonly single: readonly TemplatePart[]; readonly pair: readonly TemplatePart[] };

const text = (index: 0 | 1, typeId: number): TemplatePart => ({ kind: "text", index, typeId });
const special = (id: number, typeId: number): TemplatePart => ({ kind: "special", ids: [id], typeId });

const readSpecialTokens = (value: unknown): ReadonlyMap<string, readonly number[]> | undefined => {
  if (!isJsonObject(value)) return undefined;
  const tokens = new Map<string, readonly number[]>();
  for (const [key, token] of Object.entries(value)) {
    if (!hasOnlyKeys(token, ["id", "ids", "tokens"])) return undefined;
    const { id, ids, tokens: contents } = token;
    if (id !== key || !Array.isArray(ids) || !ids.every(isId)) return undefined;
    if (!Array.isArray(contents) || contents.length !== ids.length) return undefined;
    if (!contents.every((content) => typeof content === "string")) return undefined;
    tokens.set(key, ids);
  }
  return tokens;
};

const readPart = (
  value: unknown,
  tokens: ReadonlyMap<string, readonly number[]>,
): TemplatePart | undefined => {
  if (hasOnlyKeys(value, ["SpecialToken"]) && hasOnlyKeys(value.SpecialToken, ["id", "type_id"])) {
    const { id, type_id: typeId } = value.SpecialToken;
    const ids = typeof id === "string" ? tokens.get(id) : undefined;
    return ids && isId(typeId) ? { kind: "special", ids, typeId } : undefined;
  }
  if (!hasOnlyKeys(value, ["Sequence"]) || !hasOnlyKeys(value.Sequence, ["id", "type_id"])) return undefined;
  const { id, type_id: typeId } = value.Sequence;
  return (id === "A" || id === "B") && isId(typeId) ? text(id === "A" ? 0 : 1, typeId) : undefined;
};

/** Parts with each of the texts once. */
const readParts = (
  value: unknown,
  tokens: ReadonlyMap<string, readonly number[]>,
  texts: string,
): readonly TemplatePart[] | undefined => {
  if (!Array.isArray(value)) return undefined;
  const parts = value.flatMap((part) => readPart(part, tokens) ?? []);
  const indices = parts.flatMap((part) => (part.kind === "text" ? [part.index] : []));
  return parts.length === value.length && [...indices].sort().join() === texts ? parts : undefined;
};

const isTokenPair = (value: unknown): value is readonly [string, number] =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === "string" && isId(value[1]);

/**
 * Reads how a tokenizer.json puts special tokens around texts. Undefined for a post-processor of another form; `pair` is
 * undefined where pairs are.
 */
export const readTemplate = (
  processor: unknown,
): (Pick<Template, "single"> & Partial<Template>) | undefined => {
  if (processor === undefined || processor === null) return { single: [text(0, 0)] };
  if (!isJsonObject(processor)) return undefined;
  const { type, sep, cls } = processor;
  switch (type) {
    case "ByteLevel":
      return hasOnlyKeys(processor, ["type", "add_prefix_space", "trim_offsets", "use_regex"]) &&
        typeof processor.add_prefix_space === "boolean" &&
        typeof processor.trim_offsets === "boolean" &&
        ["boolean", "undefined"].includes(typeof processor.use_regex)
        ? { single: [text(0, 0)] }
        : undefined;
    case "BertProcessing":
      if (!hasOnlyKeys(processor, ["type", "sep", "cls"]) || !isTokenPair(sep) || !isTokenPair(cls))
        return undefined;
      return {
        single: [special(cls[1], 0), text(0, 0), special(sep[1], 0)],
        pair: [special(cls[1], 0), text(0, 0), special(sep[1], 0), text(1, 1), special(sep[1], 1)],
      };
    case "RobertaProcessing":
      if (!hasOnlyKeys(processor, ["type", "sep", "cls", "trim_offsets", "add_prefix_space"]))
        return undefined;
      if (typeof processor.trim_offsets !== "boolean" || typeof processor.add_prefix_space !== "boolean")
        return undefined;
      if (!isTokenPair(sep) || !isTokenPair(cls)) return undefined;
      return {
        single: [special(cls[1], 0), text(0, 0), special(sep[1], 0)],
        pair: [cls[1], undefined, sep[1], sep[1], undefined, sep[1]].map((id, at) =>
          id === undefined ? text(at === 1 ? 0 : 1, 0) : special(id, 0),
        ),
      };
    case "TemplateProcessing": {
      if (!hasOnlyKeys(processor, ["type", "single", "pair", "special_tokens"])) return undefined;
      const tokens = readSpecialTokens(processor.special_tokens);
      const single = tokens && readParts(processor.single, tokens, "0");
      const pair = tokens && readParts(processor.pair, tokens, "0,1");
      return single && pair ? { single, pair } : undefined;
    }
    default:
      return undefined;
  }
};
