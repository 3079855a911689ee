/**
 * The file `model.plan`, all integers little-endian and of 32 bits, if not said otherwise, each part at a multiple of `alignment` bytes, the space
 * before it filled with zeros:
 *
 * | offset | what |
 * |---|---|
 * | 0 | "SLIPPLAN" |
 * | 8 | `planVersion` |
 * | 12 | the two numbers of the checksum (sum-words.ts) of everything behind them, 64 bits each |
 * | 28 | bytes of the ONNX file |
 * | 32 | the checksum of the ONNX file; zeros where it is not compiled |
 * | 48 | bytes of the JSON |
 * | 52 | number of ensembles |
 * | 56 | bytes of each ensemble |
 * | … | the JSON (RFC 8785), then each ensemble |
 */
export const planFormat = {
  magic: "SLIPPLAN",
  /** Grows with each change of the file, of the JSON in it, or of how the kernel reads an ensemble. */
  version: 3,
  checksumAt: 12,
  checkedFrom: 28,
  modelBytesAt: 28,
  modelChecksumAt: 32,
  jsonBytesAt: 48,
  ensemblesAt: 52,
  ensembleBytesAt: 56,
  alignment: 64,
} as const;

/** The next multiple of the alignment. */
export const alignPlanOffset = (offset: number): number =>
  Math.ceil(offset / planFormat.alignment) * planFormat.alignment;
