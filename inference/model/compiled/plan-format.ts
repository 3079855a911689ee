/**
 * The file `model.plan`, all integers little-endian and of 32 bits, each part at a multiple of `alignment` bytes, the space
 * before it filled with zeros:
 *
 * | offset | what |
 * |---|---|
 * | 0 | "SLIPPLAN" |
 * | 8 | `planVersion` |
 * | 12 | the two numbers of the checksum (sum-words.ts) of everything behind them |
 * | 20 | bytes of the ONNX file |
 * | 24 | the checksum of the ONNX file; zeros where it is not compiled |
 * | 32 | bytes of the JSON |
 * | 36 | number of ensembles |
 * | 40 | bytes of each ensemble |
 * | … | the JSON (RFC 8785), then each ensemble |
 */
export const planFormat = {
  magic: "SLIPPLAN",
  /** Grows with each change of the file, of the JSON in it, or of how the kernel reads an ensemble. */
  version: 2,
  checksumAt: 12,
  checkedFrom: 20,
  modelBytesAt: 20,
  modelChecksumAt: 24,
  jsonBytesAt: 32,
  ensemblesAt: 36,
  ensembleBytesAt: 40,
  alignment: 64,
} as const;

/** The next multiple of the alignment. */
export const alignPlanOffset = (offset: number): number =>
  Math.ceil(offset / planFormat.alignment) * planFormat.alignment;
