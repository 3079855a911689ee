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

/** The bytes of a number of each type. */
export const typeBytes: readonly number[] = columnTypes.map(({ array }) => array.BYTES_PER_ELEMENT);
/** The order of the lists, by their types: those with more bytes come first, so that each number is at a multiple of its size. */
export const typeOrder = [typeCode.f64, typeCode.i32, typeCode.f32, typeCode.u16, typeCode.u8] as const;

/** The lists begin at a multiple of 8 bytes. */
export const alignLists = (bytes: number): number => (bytes + 7) & ~7;

/**
 * What the numbers of a request's rows mean. Their bytes are: the type of each list of numbers, one byte each, up to a multiple
 * of 8 bytes, then the lists, little-endian. There is one for each input, one for all scores (row-major), one for the labels and one for the bands. They
 * stand in the order of their types (typeOrder), and lists of one type in this order.
 */
export const ColumnNames = z.object({
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
export type ColumnNames = z.infer<typeof ColumnNames>;

/** The first line of a blob of columns. */
export const ColumnsHead = ColumnNames.extend({ rows: z.int().positive() });
export type ColumnsHead = z.infer<typeof ColumnsHead>;
