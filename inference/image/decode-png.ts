import { inflateSync } from "node:zlib";
import { convertIndexedToRgb, type DecodedPng, decode } from "fast-png";
import type { ImageHeader } from "#model-folder/rows/read-image-header.ts";
import type { Pixels } from "./resize-pixels.ts";

type PngHeader = ImageHeader & { readonly format: "png" };

/** First column, first row, and steps of each of Adam7's passes. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** The bytes of the image before compression: each line has one more, its filter. */
const countBytes = ({ width, height, samples, depth }: PngHeader, isInterlaced: boolean): number => {
  const measure = (columns: number, lines: number): number =>
    columns === 0 ? 0 : lines * (Math.ceil((columns * samples * depth) / 8) + 1);
  if (!isInterlaced) return measure(width, height);
  return passes
    .map(([x, y, stepX, stepY]) =>
      measure(Math.max(0, Math.ceil((width - x) / stepX)), Math.max(0, Math.ceil((height - y) / stepY))),
    )
    .reduce((sum, bytes) => sum + bytes, 0);
};

/** Whether the compressed data holds as many bytes as the header says; it stops inflating at the first one more. */
const isComplete = (bytes: Uint8Array, header: PngHeader): boolean => {
  const parts = header.chunks
    .filter(({ type }) => type === "IDAT")
    .map(({ start, end }) => bytes.subarray(start + 8, end - 4));
  const expected = countBytes(header, bytes[28] === 1);
  try {
    return inflateSync(Buffer.concat(parts), { maxOutputLength: expected }).length === expected;
  } catch {
    return false;
  }
};

/** Only the chunks of the picture: a colour profile or a text may inflate to gigabytes. */
const keepPicture = (bytes: Uint8Array, { chunks }: PngHeader): Uint8Array =>
  Buffer.concat([bytes.subarray(0, 8), ...chunks.map(({ start, end }) => bytes.subarray(start, end))]);

/** Pixels of 1, 2 or 4 bits as 8 bits. */
const unpackGrey = ({ width, height, depth, data }: DecodedPng): Uint8Array => {
  const lineBytes = Math.ceil((width * depth) / 8);
  const most = 2 ** depth - 1;
  return Uint8Array.from({ length: width * height }, (_, at) => {
    const bit = (at % width) * depth;
    const byte = data[Math.floor(at / width) * lineBytes + (bit >> 3)] ?? 0;
    return (((byte >> (8 - depth - (bit & 7))) & most) * 255) / most;
  });
};

const isTransparent = (data: ArrayLike<number>, channels: number, colour: ArrayLike<number>): boolean => {
  for (let at = 0; at < data.length; at += channels) {
    let equal = true;
    for (let channel = 0; channel < channels && equal; channel++)
      equal = data[at + channel] === colour[channel];
    if (equal) return true;
  }
  return false;
};

const transparent = "has transparent pixels: put it on a background";

const toPixels = (png: DecodedPng): Pixels | string => {
  const { width, height, depth, palette } = png;
  const data = palette
    ? Uint8Array.from(convertIndexedToRgb(png))
    : depth < 8
      ? unpackGrey(png)
      : Uint8Array.from(png.data);
  const channels = palette ? data.length / (width * height) : png.channels;
  if (!palette && png.transparency) {
    const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1;
    if (
      isTransparent(
        data,
        channels,
        Array.from(png.transparency, (value) => value * scale),
      )
    )
      return transparent;
  }
  if (channels === 1 || channels === 3) return { width, height, channels, data };
  const opaque = channels - 1;
  const colours = new Uint8Array(width * height * opaque);
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (data[pixel * channels + opaque] !== 255) return transparent;
    for (let channel = 0; channel < opaque; channel++)
      colours[pixel * opaque + channel] = data[pixel * channels + channel] ?? 0;
  }
  return { width, height, channels: opaque, data: colours };
};

/** Decodes a PNG whose header was checked, to grey or RGB. Returns the problem as a text. */
export const decodePng = (bytes: Uint8Array, header: PngHeader): Pixels | string => {
  if (!isComplete(bytes, header)) return "is a PNG with broken data";
  try {
    return toPixels(decode(keepPicture(bytes, header), { checkCrc: true }));
  } catch {
    return "is a PNG with broken data";
  }
};
