import type { RegressionOutput } from "./manifest.ts";

/** Names of the values that a regression answers for each row: one, or several. */
export const valueNames = (output: RegressionOutput): readonly string[] =>
  "names" in output ? output.names : [output.name];
