/** Enumerations of the kernel (source/ensemble.h), in its order. */
export const aggregates = ["sum", "average", "minimum", "maximum"] as const;
export const bulkKernels = ["slots", "symmetric", "walk"] as const;
export const rowKernels = ["masks", "symmetric", "walk"] as const;
/** A column without a table. */
export const noTable = 0xff_ff_ff_ff;
