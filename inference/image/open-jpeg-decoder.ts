import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import createDecoder from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import { findJpegDecoder, jpegDecoderFile } from "./jpeg-decoder-file.ts";
import type { Pixels } from "./resize-pixels.ts";

const readDecoder = async (): Promise<Uint8Array> => {
  const beside = join(dirname(fileURLToPath(import.meta.url)), jpegDecoderFile);
  return readFile(beside).catch(() => readFile(findJpegDecoder()));
};

export type JpegDecoder = {
  /** Decodes a JPEG whose header was checked, to RGB. Returns the problem as a text. */
  decode(bytes: Uint8Array): Pixels | string;
  /** Whether it must be opened again: its memory has grown, or a broken image left some of it in use. */
  isWorn(): boolean;
};

const wornBytes = 64 * 1_024 * 1_024;

/** Opens libjpeg-turbo's decoder (mozjpeg), whose pixels equal those of Pillow and torchvision. */
export const createJpegDecoders = async (): Promise<() => Promise<JpegDecoder>> => {
  const wasmBinary = Uint8Array.from(await readDecoder()).buffer;
  return async () => {
    const decoder = await createDecoder({
      wasmBinary,
      // Its messages may quote the image.
      print: () => {},
      printErr: () => {},
    });
    let hasFailed = false;
    return {
      decode(bytes) {
        try {
          const { width, height, data } = decoder.decode(bytes, false);
          return { width, height, channels: 3, data: dropAlpha(data) };
        } catch {
          hasFailed = true;
          return "is a JPEG with broken data";
        }
      },
      isWorn: () => hasFailed || decoder.HEAPU8.length > wornBytes,
    };
  };
};

const dropAlpha = (rgba: ArrayLike<number>): Uint8Array => {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from] ?? 0;
    rgb[to + 1] = rgba[from + 1] ?? 0;
    rgb[to + 2] = rgba[from + 2] ?? 0;
  }
  return rgb;
};
