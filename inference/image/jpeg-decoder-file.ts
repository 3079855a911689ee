import { createRequire } from "node:module";

/** The decoder's WebAssembly. In an image it is beside the bundle. */
export const jpegDecoderFile = "mozjpeg_dec.wasm";

/** The path of the WebAssembly in its package. */
export const findJpegDecoder = (): string =>
  createRequire(import.meta.url).resolve(`@jsquash/jpeg/codec/dec/${jpegDecoderFile}`);
