/**
 * The file `model.plan`, all integers little-endian and of 32 bits, each part at a multiple of `alignment` bytes, the space
 * before it filled with zeros:
 *
 * | offset | what |
 * |---|---|
 * | 0 | "SLIPPLAN" |
 * | 8 | `planVersion` |
 * | 12 | CRC-32 of everything behind it |
 * | 16 | bytes of the ONNX file |
 * | 20 | CRC-32 of the ONNX file; 0 where it is not compiled |
 * | 24 | bytes of the JSON |
 * | 28 | number of ensembles |
 * | 32 | bytes of each ensemble |
 * | … | the JSON (RFC 8785), then each ensemble |
 */
export const planFormat = {
  magic: "SLIPPLAN",
  /** Grows with each change of the file, of the JSON in it, or of how the kernel reads an ensemble. */
  version: 1,
  checksumAt: 12,
  checkedFrom: 16,
  modelBytesAt: 16,
  modelChecksumAt: 20,
  jsonBytesAt: 24,
  ensemblesAt: 28,
  ensembleBytesAt: 32,
  alignment: 64,
} as const;

/** The next multiple of the alignment. */
export const alignPlanOffset = (offset: number): number =>
  Math.ceil(offset / planFormat.alignment) * planFormat.alignment;
