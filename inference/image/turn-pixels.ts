import type { Pixels } from "./resize-pixels.ts";

/** Turns and mirrors pixels by EXIF's orientation (1 to 8), as Pillow's ImageOps.exif_transpose does. */
export const turnPixels = ({ width, height, channels, data }: Pixels, orientation: number): Pixels => {
  if (orientation === 1) return { width, height, channels, data };
  const swaps = orientation >= 5;
  const [turnedWidth, turnedHeight] = swaps ? [height, width] : [width, height];
  const turned = new Uint8Array(data.length);
  const mirrorsX = [2, 3, 7, 8].includes(orientation);
  const mirrorsY = [3, 4, 6, 7].includes(orientation);
  for (let y = 0; y < turnedHeight; y++)
    for (let x = 0; x < turnedWidth; x++) {
      const [column, row] = swaps ? [y, x] : [x, y];
      const sourceX = mirrorsX ? width - 1 - column : column;
      const sourceY = mirrorsY ? height - 1 - row : row;
      const from = (sourceY * width + sourceX) * channels;
      const to = (y * turnedWidth + x) * channels;
      for (let channel = 0; channel < channels; channel++) turned[to + channel] = data[from + channel] ?? 0;
    }
  return { width: turnedWidth, height: turnedHeight, channels, data: turned };
};
