import type { ElementType, GraphValue } from "#model-folder/onnx/graph-value.ts";
import { isFloat, isLabelTensor } from "#model-folder/onnx/output-candidates.ts";
import type { Probe } from "./probe-model.ts";

/** An output of the graph for the rows of the run. */
export type FloatOutput = {
  readonly name: string;
  /** Numbers per row. */
  readonly width: number;
  readonly type: ElementType;
  /** Dimensions that the graph declares; undefined: none. */
  readonly rank: number | undefined;
  /** Row-major, as the graph returned them. */
  readonly data: readonly number[];
};
type LabelOutput = {
  readonly name: string;
  /** Labels per row. */
  readonly width: number;
  readonly data: readonly string[];
};
export type GraphOutputs = {
  readonly floats: readonly FloatOutput[];
  readonly labels: readonly LabelOutput[];
};

/** Sorts the outputs of a run into floats and labels (text, integers). */
export const readGraphOutputs = (
  values: readonly GraphValue[],
  outputs: Probe["outputs"],
  rows: number,
): GraphOutputs => {
  const found = outputs.flatMap(({ name, data, widths }) => {
    const value = values.find((each) => each.name === name);
    const width = data.length / rows;
    return value && !widths && Number.isInteger(width) && width > 0 ? [{ name, data, width, value }] : [];
  });
  return {
    floats: found.flatMap(({ value, data, ...rest }) =>
      isFloat(value)
        ? [
            {
              ...rest,
              type: value.type,
              rank: value.shape?.length,
              data: data.map((cell) => (cell === null ? Number.NaN : Number(cell))),
            },
          ]
        : [],
    ),
    labels: found.flatMap(({ value, data, ...rest }) =>
      isLabelTensor(value) ? [{ ...rest, data: data.map(String) }] : [],
    ),
  };
};

/** The numbers of each row. */
export const splitRows = ({ data, width }: FloatOutput): readonly (readonly number[])[] =>
  Array.from({ length: data.length / width }, (_, row) => data.slice(row * width, (row + 1) * width));
