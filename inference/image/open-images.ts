import { arrayLimits } from "#model-folder/manifest/array-limits.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";
import { checkImage } from "#model-folder/rows/check-image.ts";
import type { CreateImageWriter } from "#model-folder/rows/encode-rows.ts";
import type { FeedData } from "#model-folder/rows/feed-data.ts";
import type { ResizePlan } from "#model-folder/rows/plan-resize.ts";
import { decodePng } from "./decode-png.ts";
import { createJpegDecoders } from "./open-jpeg-decoder.ts";
import { type Pixels, resizePixels } from "./resize-pixels.ts";
import { turnPixels } from "./turn-pixels.ts";

type ImageInput = Input & { readonly type: "image" };

export type Images = {
  readonly createImageWriter: CreateImageWriter;
  /** Must be awaited before the writers of a request are created. */
  prepare(): Promise<void>;
};

/** Grey to RGB, or RGB to grey by Pillow's weights (ITU-R 601) and rounding. */
const convertChannels = (pixels: Pixels, channels: 1 | 3): Pixels => {
  const { width, height, data } = pixels;
  if (pixels.channels === channels) return pixels;
  const converted = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++)
    if (channels === 1) {
      const [red = 0, green = 0, blue = 0] = data.subarray(pixel * 3, pixel * 3 + 3);
      converted[pixel] = (red * 19_595 + green * 38_470 + blue * 7_471 + 32_768) >> 16;
    } else converted.fill(data[pixel] ?? 0, pixel * 3, pixel * 3 + 3);
  return { width, height, channels, data: converted };
};

/** The input's number for each of a channel's 256 values, in 32-bit steps as torchvision computes them. */
const createTable = ({ scale = 1, mean, std }: ImageInput, channel: number): Float32Array =>
  Float32Array.from({ length: 256 }, (_, pixel) => {
    const scaled = scale === "1/255" ? Math.fround(pixel / 255) : Math.fround(pixel * Math.fround(scale));
    const centred = Math.fround(scaled - Math.fround(mean?.[channel] ?? 0));
    return Math.fround(centred / Math.fround(std?.[channel] ?? 1));
  });

/** Writes the pixels at their place; a border where the image is smaller, nothing of what is cut off. */
const createPixelWriter = (input: ImageInput) => {
  const { width, height, layout, border } = input;
  const channels = input.channels === "RGB" ? 3 : 1;
  const tables = Array.from({ length: channels }, (_, channel) => createTable(input, channel));
  return (pixels: Pixels, { left, top }: ResizePlan, data: Exclude<FeedData, string[]>, start: number) => {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) return;
    for (let channel = 0; channel < channels; channel++) {
      const table = tables[channel];
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const column = x - left;
          const line = y - top;
          const isInside = column >= 0 && line >= 0 && column < pixels.width && line < pixels.height;
          const value = isInside ? pixels.data[(line * pixels.width + column) * channels + channel] : border;
          const place =
            layout === "NCHW" ? (channel * height + y) * width + x : (y * width + x) * channels + channel;
          data[start + place] = table?.[value ?? 0] ?? 0;
        }
    }
  };
};

/** Opens what a model with image inputs needs. Only such models load this module. */
export const openImages = async (): Promise<Images> => {
  const openDecoder = await createJpegDecoders();
  let jpeg = await openDecoder();

  const readPixels = (text: string, input: ImageInput, seen: { pixels: number }) => {
    const image = checkImage(text, input);
    if (typeof image === "string") return image;
    const { bytes, header, plan } = image;
    seen.pixels += header.width * header.height;
    if (seen.pixels > arrayLimits.requestPixels)
      return `the request's images have more than ${arrayLimits.requestPixels} pixels: send fewer at a time`;
    const decoded = header.format === "png" ? decodePng(bytes, header) : jpeg.decode(bytes);
    if (typeof decoded === "string") return decoded;
    const turned = input.orientation === "exif" ? turnPixels(decoded, header.orientation) : decoded;
    const coloured = convertChannels(turned, input.channels === "RGB" ? 3 : 1);
    return { pixels: resizePixels(coloured, plan, input.interpolation), plan };
  };

  return {
    createImageWriter: (input) => {
      const write = createPixelWriter(input);
      return (data) => {
        const seen = { pixels: 0 };
        return (text, start) => {
          const result = readPixels(text, input, seen);
          if (typeof result === "string") return result;
          if (!Array.isArray(data)) write(result.pixels, result.plan, data, start);
          return undefined;
        };
      };
    },
    async prepare() {
      if (jpeg.isWorn()) jpeg = await openDecoder();
    },
  };
};
