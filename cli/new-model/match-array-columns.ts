import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { NewModelRefused } from "./new-model-refused.ts";

type ArrayMatches = {
  readonly matches: readonly { readonly value: GraphValue; readonly column: string }[];
  /** What is left for columns of single values. */
  readonly inputs: readonly GraphValue[];
  readonly columns: readonly string[];
};

/**
 * Matches columns of arrays with the graph's inputs: by name, or the only one with the only one of the graph. Throws
 * NewModelRefused for a column without an input.
 */
export const matchArrayColumns = (
  inputs: readonly GraphValue[],
  columns: readonly string[],
  isArray: (column: string) => boolean,
): ArrayMatches => {
  const arrays = columns.filter(isArray);
  const [onlyInput, ...otherInputs] = inputs;
  const matches = arrays.map((column) => {
    const value =
      inputs.find(({ name }) => name === column) ??
      (columns.length === 1 && otherInputs.length === 0 ? onlyInput : undefined);
    if (value) return { value, column };
    throw new NewModelRefused(
      `the graph has no input for the column ${column} (its inputs are ${inputs
        .slice(0, 20)
        .map(({ name }) => name)
        .join(", ")})`,
      "Give the column the name of the graph's input, or leave it out with --ignore <column>.",
    );
  });
  return {
    matches,
    inputs: inputs.filter((value) => !matches.some((match) => match.value === value)),
    columns: columns.filter((column) => !arrays.includes(column)),
  };
};
