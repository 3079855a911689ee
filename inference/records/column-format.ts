import * as z from "zod";

/** How numbers are stored, and the number that stands for a missing value. A type is stored as its place in this list. */
export const columnTypes = [
  { array: Uint8Array, missing: 0xff },
  { array: Uint16Array, missing: 0xffff },
  { array: Int32Array, missing: -0x8000_0000 },
  { array: Float32Array, missing: Number.NaN },
  { array: Float64Array, missing: Number.NaN },
] as const;
export const typeCode = { u8: 0, u16: 1, i32: 2, f32: 3, f64: 4 } as const;

/** The list of types and each list of numbers begins at a multiple of 8 bytes. */
export const alignColumn = (bytes: number): number => (bytes + 7) & ~7;

/**
 * What the columns of a request's rows mean. Their bytes are: the type of each list of numbers, one byte each, then the lists,
 * little-endian: one for each input, one for all scores (row-major), one for the labels and one for the bands.
 */
export const ColumnsHead = z.object({
  rows: z.int().positive(),
  /** The name of each input, and how its numbers are read: as they are, as flags, or as places in a list of texts. */
  inputs: z.array(
    z.tuple([z.string(), z.union([z.literal("number"), z.literal("boolean"), z.array(z.string())])]),
  ),
  /** The names of the scores. */
  scores: z.array(z.string()),
  /** Absent: predictions without labels. */
  labels: z.array(z.string()).optional(),
  /** Absent: predictions without bands. */
  bands: z.array(z.string()).optional(),
});
export type ColumnsHead = z.infer<typeof ColumnsHead>;
