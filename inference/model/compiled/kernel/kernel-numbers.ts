/** Enumerations of the kernel (source/ensemble.h), in its order. */
export const aggregates = ["sum", "average", "minimum", "maximum"] as const;
export const bulkKernels = ["slots", "symmetric", "walk"] as const;
export const rowKernels = ["masks", "symmetric", "walk"] as const;
/** Bytes of a slot: one for each of 64 rows. */
export const slotBytes = 64;
/** The first slots are constants: slot i holds i for every row. The others hold results. */
export const constantSlots = 256;
export const resultSlots = 48;
/** A column without a table. */
export const noTable = 0xff_ff_ff_ff;
