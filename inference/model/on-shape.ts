/** Receives the dimensions of an output, and how many rows the run had. */
export type OnShape = (output: string, dims: readonly number[], rows: number) => void;
