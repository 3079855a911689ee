import { crc32, deflateSync } from "node:zlib";

const encodeChunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
};

/** The 256 most frequent colours; a page has few more, only shades at the edges of letters. */
const selectPalette = (counts: ReadonlyMap<number, number>): readonly number[] =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 256)
    .map(([colour]) => colour);

const measureDistance = (a: number, b: number): number =>
  [16, 8, 0].reduce((sum, shift) => sum + (((a >> shift) & 255) - ((b >> shift) & 255)) ** 2, 0);

/**
 * Encodes an image as PNG with a palette, a third of the size of one with full colours.
 * @param rgba four bytes per pixel; ignores opacity
 * https://www.w3.org/TR/png-3/
 */
export const encodeIndexedPng = (rgba: Uint8Array, width: number, height: number): Buffer => {
  const colourAt = (pixel: number) =>
    ((rgba[4 * pixel] ?? 0) << 16) | ((rgba[4 * pixel + 1] ?? 0) << 8) | (rgba[4 * pixel + 2] ?? 0);
  const counts = new Map<number, number>();
  for (let pixel = 0; pixel < width * height; pixel++) {
    const colour = colourAt(pixel);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = selectPalette(counts);
  const indexes = new Map(palette.map((colour, index) => [colour, index]));
  const findNearestIndex = (colour: number): number => {
    const known = indexes.get(colour);
    if (known !== undefined) return known;
    let best = 0;
    palette.forEach((candidate, index) => {
      if (measureDistance(candidate, colour) < measureDistance(palette[best] ?? 0, colour)) best = index;
    });
    indexes.set(colour, best);
    return best;
  };
  // Each row starts with its filter type, 0 for none.
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = findNearestIndex(colourAt(y * width + x));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits, indexed colours.
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(
    palette.flatMap((colour) => [(colour >> 16) & 255, (colour >> 8) & 255, colour & 255]),
  );
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    encodeChunk("IHDR", header),
    encodeChunk("PLTE", colours),
    encodeChunk("IDAT", deflateSync(rows, { level: 9 })),
    encodeChunk("IEND", new Uint8Array()),
  ]);
};
