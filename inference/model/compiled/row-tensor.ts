import type { StoredTensor, TensorData } from "#model-folder/onnx/read-graph.ts";
import type { ColumnType, StepIndex } from "./compiled-graph.ts";
import { NotCompiled } from "./not-compiled.ts";

/**
 * A value of the graph whose elements depend on the row: one dimension is "rows", and each combination of the others is a
 * column, row-major.
 */
export type RowTensor = {
  readonly kind: "rows";
  readonly type: ColumnType;
  readonly dims: readonly (number | "rows")[];
  readonly columns: readonly StepIndex[];
};
/** A value that is the same for every request. */
export type FixedTensor = {
  readonly kind: "fixed";
  readonly dims: readonly number[];
  readonly data: TensorData;
};
export type Value = RowTensor | FixedTensor;

export const toFixed = (tensor: StoredTensor): FixedTensor => {
  const { name, dims } = tensor;
  const data = tensor.read();
  if (data === undefined)
    throw new NotCompiled(`the tensor ${name} has an element type that is not compiled`);
  return { kind: "fixed", dims, data };
};

export const multiply = (sizes: readonly number[]): number =>
  sizes.reduce((product, size) => product * size, 1);

/** The place of the rows among the dimensions. */
export const findRowAxis = ({ dims }: Pick<RowTensor, "dims">): number => dims.indexOf("rows");

/** The dimensions without the rows. */
export const listSizes = ({ dims }: Pick<RowTensor, "dims">): readonly number[] =>
  dims.filter((size) => size !== "rows");

/** A dimension by its number, which may count from the end. */
export const resolveAxis = (axis: number, rank: number, operator: string): number => {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(resolved) || resolved < 0 || resolved >= rank)
    throw new NotCompiled(`${operator} names a dimension that its input does not have`);
  return resolved;
};

/** The place of a dimension among those without the rows. */
export const toSizeAxis = (value: RowTensor, axis: number, operator: string): number => {
  const rows = findRowAxis(value);
  if (axis === rows) throw new NotCompiled(`${operator} works across the rows`);
  return axis > rows ? axis - 1 : axis;
};

/** More columns of one tensor are a hostile file: each operator can make twice as many as the one before it. */
const maxColumns = 1_000_000;
export const assertColumns = (columns: number): void => {
  if (columns > maxColumns) throw new NotCompiled(`a tensor has more than ${maxColumns} columns`);
};

/** Calls `visit` for each combination of places in these sizes, row-major. Each is a column of the result. */
export const visitPlaces = (sizes: readonly number[], visit: (place: readonly number[]) => void): void => {
  const total = multiply(sizes);
  assertColumns(total);
  const place = sizes.map(() => 0);
  for (let index = 0; index < total; index++) {
    visit(place);
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const next = (place[axis] ?? 0) + 1;
      place[axis] = next < (sizes[axis] ?? 0) ? next : 0;
      if (place[axis] !== 0) break;
    }
  }
};

/** The row-major number of a place. */
export const toOffset = (sizes: readonly number[], place: readonly number[]): number =>
  sizes.reduce((offset, size, axis) => offset * size + (place[axis] ?? 0), 0);

export const pick = <T>(list: ArrayLike<T>, index: number): T => {
  const item = list[index];
  if (item === undefined) throw new RangeError(`no element ${index} of ${list.length}`);
  return item;
};
