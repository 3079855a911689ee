/** A part of a file: from `start` up to `end`. */
type Range = { readonly type: string; readonly start: number; readonly end: number };
export type ImageHeader = {
  readonly width: number;
  readonly height: number;
  /** EXIF's number: 1 is upright, 2 to 8 are mirrored or turned. */
  readonly orientation: number;
} & (
  | { readonly format: "jpeg"; readonly scans: number }
  | {
      readonly format: "png";
      readonly samples: number;
      readonly depth: number;
      readonly chunks: readonly Range[];
    }
);

const jpegProcesses: Readonly<Record<number, string>> = {
  195: "lossless",
  197: "hierarchical",
  198: "hierarchical",
  199: "hierarchical",
  201: "arithmetically coded",
  202: "arithmetically coded",
  203: "arithmetically coded",
  205: "arithmetically coded",
  206: "arithmetically coded",
  207: "arithmetically coded",
};

/** Reads the orientation from a TIFF structure, EXIF's form; 1 where it has none. */
const readOrientation = (tiff: Uint8Array): number => {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  if (tiff.length < 14 || view.getUint16(2, little) !== 42) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let entry = 0; entry < entries; entry++) {
    const start = directory + 2 + 12 * entry;
    if (start + 12 > tiff.length) return 1;
    if (view.getUint16(start, little) !== 0x0112) continue;
    const value = view.getUint16(start + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
};

const isExif = (segment: Uint8Array): boolean =>
  String.fromCharCode(...segment.subarray(0, 6)) === "Exif\0\0";

/** Returns the offset of the marker behind the entropy-coded data that starts at `offset`. */
const skipEntropyData = (bytes: Uint8Array, offset: number): number => {
  for (let at = offset; ; at++) {
    at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 1 >= bytes.length) return bytes.length;
    const next = bytes[at + 1] ?? 0;
    // A stuffed byte and restart markers belong to the data; 0xff may be repeated before a marker.
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
};

const readJpeg = (bytes: Uint8Array): ImageHeader | string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: { readonly width: number; readonly height: number } | undefined;
  let orientation = 1;
  let scans = 0;
  let offset = 2;
  while (offset + 2 <= bytes.length) {
    if (bytes[offset] !== 0xff) return "is not a valid JPEG";
    const marker = bytes[offset + 1] ?? 0;
    if (marker === 0xff) {
      offset++;
      continue;
    }
    if (marker === 0xd9)
      return size && scans > 0
        ? { format: "jpeg", ...size, orientation, scans }
        : "is a JPEG without an image";
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      offset += 2;
      continue;
    }
    if (offset + 4 > bytes.length) break;
    const length = view.getUint16(offset + 2);
    const end = offset + 2 + length;
    if (length < 2) return "is not a valid JPEG";
    if (end > bytes.length) break;
    const process = jpegProcesses[marker];
    if (process !== undefined) return `is a ${process} JPEG: send a baseline or progressive one`;
    if (marker >= 0xc0 && marker <= 0xc2) {
      if (size || length < 8) return "is not a valid JPEG";
      const precision = bytes[offset + 4] ?? 0;
      const components = bytes[offset + 9] ?? 0;
      if (precision !== 8) return `is a JPEG with ${precision} bits per channel: send one with 8`;
      if (components === 4) return "is a CMYK JPEG: convert it to RGB";
      if (components !== 1 && components !== 3)
        return `is a JPEG with ${components} channels: send grey or colour`;
      size = { height: view.getUint16(offset + 5), width: view.getUint16(offset + 7) };
      if (size.width === 0 || size.height === 0) return "is a JPEG without a size";
    }
    if (marker === 0xe1 && isExif(bytes.subarray(offset + 4, end)))
      orientation = readOrientation(bytes.subarray(offset + 10, end));
    offset = end;
    if (marker === 0xda) {
      scans++;
      offset = skipEntropyData(bytes, end);
    }
  }
  return "is a truncated JPEG";
};

const samplesByColorType: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

const readPng = (bytes: Uint8Array): ImageHeader | string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Range[] = [];
  let orientation = 1;
  for (let offset = 8; offset + 12 <= bytes.length; ) {
    const length = view.getUint32(offset);
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    const end = offset + 12 + length;
    if (end > bytes.length) break;
    if (chunks.length === 0 && (type !== "IHDR" || length !== 13)) return "is not a valid PNG";
    if (type === "acTL") return "is an animated PNG: send one picture";
    if (["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].includes(type)) chunks.push({ type, start: offset, end });
    if (type === "eXIf") orientation = readOrientation(bytes.subarray(offset + 8, end - 4));
    if (type === "IEND") return describePng(view, orientation, chunks);
    offset = end;
  }
  return "is a truncated PNG";
};

const describePng = (view: DataView, orientation: number, chunks: readonly Range[]): ImageHeader | string => {
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  const depth = view.getUint8(24);
  const samples = samplesByColorType[view.getUint8(25)];
  if (samples === undefined || width === 0 || height === 0) return "is not a valid PNG";
  if (depth === 16) return "is a PNG with 16 bits per channel: convert it to 8";
  if (chunks.filter(({ type }) => type === "IHDR").length > 1) return "is not a valid PNG";
  if (!chunks.some(({ type }) => type === "IDAT")) return "is a PNG without an image";
  return { format: "png", width, height, orientation, samples, depth, chunks };
};

/** File types by their first bytes, in latin1. */
const otherTypes: readonly (readonly [RegExp, string])[] = [
  [/^GIF8/, "GIF"],
  [/^RIFF.{4}WEBP/s, "WebP"],
  [/^BM/, "BMP"],
  [/^(II\*\0|MM\0\*)/, "TIFF"],
  [/^.{4}ftyp(heic|heix|mif1|avif)/s, "HEIC or AVIF"],
  [/^%PDF/, "PDF"],
  [/^\s*<(svg|\?xml|html|!doctype)/i, "document of text"],
];

/**
 * Reads the size of a JPEG or PNG, and finds what cannot be decoded as its maker meant it, without decoding: one pass over
 * the bytes, and no memory for pixels. Returns the problem as a text.
 * Sources: ITU-T T.81, annex B; https://www.w3.org/TR/png-3/
 */
export const readImageHeader = (bytes: Uint8Array): ImageHeader | string => {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpeg(bytes);
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64)).toString("latin1");
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return readPng(bytes);
  const other = otherTypes.find(([pattern]) => pattern.test(head))?.[1];
  return other === undefined ? "is neither a JPEG nor a PNG" : `is a ${other}: send a JPEG or PNG`;
};
