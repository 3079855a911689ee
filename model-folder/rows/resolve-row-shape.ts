import type { Feed } from "#model-folder/onnx/bind-inputs.ts";
import { readEncoded } from "./encoded-bytes.ts";
import { allocateFeed } from "./feed-data.ts";

/** The lengths of nested arrays along their first elements. */
const measureLengths = (value: unknown, depth: number): readonly number[] => {
  const lengths: number[] = [];
  for (let inner = value; Array.isArray(inner) && lengths.length < depth; inner = inner[0])
    lengths.push(inner.length);
  return lengths;
};

/** The open size of a tensor in base64: its bytes by those of the other dimensions; undefined where that is no integer. */
const measureBytes = (
  text: string,
  { element, shape = [] }: Pick<Feed, "element" | "shape">,
): number | undefined => {
  const sample = allocateFeed(element, 1);
  if (Array.isArray(sample)) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const fixed = shape.reduce<number>((product, size) => product * (size ?? 1), sample.BYTES_PER_ELEMENT);
  const open = ((text.length / 4) * 3 - padding) / fixed;
  return Number.isSafeInteger(open) && open > 0 ? open : undefined;
};

/**
 * The dimensions of one row of a feed. An open one has the size of this value; a value that is no array gives 1, and its
 * writer refuses it.
 */
export const resolveRowShape = (
  feed: Pick<Feed, "element" | "width" | "shape">,
  value: unknown,
): readonly number[] => {
  const { width, shape = [width] } = feed;
  if (!shape.includes(null)) return shape.filter((size) => size !== null);
  const text = readEncoded(value);
  if (text !== undefined) {
    const open = measureBytes(text, feed) ?? 1;
    return shape.map((size) => size ?? open);
  }
  const lengths = measureLengths(value, shape.length);
  // A window without a step has no answer: its writer asks for one.
  return shape.map((size, axis) => size ?? Math.max(1, lengths[axis] ?? 1));
};
