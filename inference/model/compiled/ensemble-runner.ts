/** A laid-out ensemble, ready to run. It has one memory: a caller reads an answer before it asks for the next. */
export type EnsembleRunner = {
  readonly featureCount: number;
  readonly width: number;
  /** Rows of one run; a caller splits larger requests. */
  readonly maxRows: number;
  /** Where the features of the next run belong: row-major, `rows × featureCount`. */
  features(rows: number): Float32Array;
  /** The numbers of each row, row-major, `rows × width`: a view that the next run overwrites. */
  run(rows: number): Float32Array;
};
