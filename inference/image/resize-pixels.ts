/** Pixels of 8 bits per channel, row by row, the channels of a pixel side by side. */
export type Pixels = {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
};

type Filter = { readonly support: number; readonly weigh: (distance: number) => number };

const filters: Readonly<Record<"bilinear" | "bicubic", Filter>> = {
  bilinear: { support: 1, weigh: (distance) => Math.max(0, 1 - Math.abs(distance)) },
  bicubic: {
    support: 2,
    weigh: (distance) => {
      const a = -0.5;
      const x = Math.abs(distance);
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
};

/** Bits behind the point of a weight: 32, less 8 for the pixel and 2 for weights below 0 and above 1. */
const precision = 22;
const half = 1 << (precision - 1);

type Weights = {
  /** The first source pixel of each target pixel, and how many. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `size` weights for each target pixel. */
  readonly weights: Int32Array;
  readonly size: number;
};

/** The weights of source pixels for each target pixel. The filter grows with the reduction: that is the antialiasing. */
const computeWeights = (source: number, target: number, { support, weigh }: Filter): Weights => {
  const scale = source / target;
  const filterScale = Math.max(1, scale);
  const reach = support * filterScale;
  const size = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(target);
  const count = new Int32Array(target);
  const weights = new Int32Array(target * size);
  const exact = new Float64Array(size);
  for (let at = 0; at < target; at++) {
    const center = (at + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - reach + 0.5));
    const length = Math.min(source, Math.trunc(center + reach + 0.5)) - start;
    let sum = 0;
    for (let index = 0; index < length; index++) {
      const weight = weigh((index + start - center + 0.5) / filterScale);
      exact[index] = weight;
      sum += weight;
    }
    for (let index = 0; index < length; index++) {
      const weight = ((exact[index] ?? 0) / (sum || 1)) * 2 ** precision;
      weights[at * size + index] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[at] = start;
    count[at] = length;
  }
  return { first, count, weights, size };
};

/** Resizes one axis. `stride` is the distance of two source pixels of this axis, `lines` the number of parallel lines. */
const resizeAxis = (
  source: Uint8Array,
  { first, count, weights, size }: Weights,
  place: {
    readonly lines: number;
    readonly channels: number;
    readonly sourceLine: number;
    readonly sourceStep: number;
    readonly targetLine: number;
    readonly targetStep: number;
    readonly length: number;
  },
): Uint8Array => {
  const { lines, channels, sourceLine, sourceStep, targetLine, targetStep, length } = place;
  // Clamps like Pillow's clip8.
  const target = new Uint8ClampedArray(lines * length * channels);
  for (let at = 0; at < length; at++) {
    const own = at * size;
    const pixels = count[at] ?? 0;
    for (let line = 0; line < lines; line++) {
      const start = line * sourceLine + (first[at] ?? 0) * sourceStep;
      const to = line * targetLine + at * targetStep;
      for (let channel = 0; channel < channels; channel++) {
        let sum = half;
        let from = start + channel;
        // Integers of 32 bits: the sum of a pixel's weights is 1, and 8 bits of the pixel are left of the point.
        for (let index = own; index < own + pixels; index++) {
          sum = (sum + Math.imul(source[from] ?? 0, weights[index] ?? 0)) | 0;
          from += sourceStep;
        }
        target[to + channel] = sum >> precision;
      }
    }
  }
  return new Uint8Array(target.buffer);
};

/**
 * Resizes pixels exactly as Pillow's `Image.resize` does with BILINEAR or BICUBIC: half-pixel centres, antialiasing,
 * integer weights, the horizontal pass first and its result rounded to 8 bits.
 * Source: https://github.com/python-pillow/Pillow/blob/main/src/libImaging/Resample.c
 */
export const resizePixels = (
  { width, height, channels, data }: Pixels,
  target: { readonly width: number; readonly height: number },
  interpolation: keyof typeof filters,
): Pixels => {
  const filter = filters[interpolation];
  const horizontal =
    target.width === width
      ? data
      : resizeAxis(data, computeWeights(width, target.width, filter), {
          lines: height,
          channels,
          sourceLine: width * channels,
          sourceStep: channels,
          targetLine: target.width * channels,
          targetStep: channels,
          length: target.width,
        });
  const vertical =
    target.height === height
      ? horizontal
      : resizeAxis(horizontal, computeWeights(height, target.height, filter), {
          lines: target.width,
          channels,
          sourceLine: channels,
          sourceStep: target.width * channels,
          targetLine: channels,
          targetStep: target.width * channels,
          length: target.height,
        });
  return { ...target, channels, data: vertical };
};
