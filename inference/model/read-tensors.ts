import type { Manifest, NestedValues, Prediction } from "#model-folder/manifest/manifest.ts";
import { OutputNotFinite } from "./output-not-finite.ts";

type TensorRule = {
  readonly name: string;
  readonly element: string;
  /** Of one row; null: any size, for at most one dimension. */
  readonly shape: readonly (number | null)[];
};
type Elements = ArrayLike<number | bigint | string>;

const isElements = (data: unknown): data is Elements =>
  Array.isArray(data) || (ArrayBuffer.isView(data) && !(data instanceof DataView));

const multiply = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1);

/** The dimensions of one row for this many elements. Throws OutputNotFinite if they do not fit. */
const resolveShape = ({ name, shape }: TensorRule, elements: number, rows: number): readonly number[] => {
  const fixed = multiply(shape.filter((size) => size !== null));
  const perRow = elements / rows;
  const open = perRow / fixed;
  if (!Number.isInteger(open) || (!shape.includes(null) && open !== 1))
    throw new OutputNotFinite(
      `the model returned ${elements} elements of ${name} for ${rows} rows of [${shape.map((size) => size ?? "?").join(", ")}]`,
    );
  return shape.map((size) => size ?? open);
};

const toElement = (
  value: number | bigint | string | undefined,
  { name, element }: TensorRule,
): NestedValues => {
  if (element === "string") return String(value);
  const number = Number(value);
  if (element === "bool") return number !== 0;
  if (!Number.isFinite(number))
    throw new OutputNotFinite(`the model returned an element of ${name} that is not a finite number`);
  if (typeof value === "bigint" && !Number.isSafeInteger(number))
    throw new OutputNotFinite(
      `the model returned the integer ${value} in ${name}, which JSON cannot hold exactly (limit ±2^53)`,
    );
  return number;
};

const nest = (
  data: Elements,
  start: number,
  [size, ...inner]: readonly number[],
  rule: TensorRule,
): NestedValues => {
  if (size === undefined) return toElement(data[start], rule);
  const stride = multiply(inner);
  return Array.from({ length: size }, (_, index) => nest(data, start + index * stride, inner, rule));
};

const createTensorReader =
  (rules: readonly TensorRule[]) =>
  (data: readonly unknown[], rows: number): Prediction[] => {
    const outputs = rules.map((rule, index) => {
      const elements = data[index];
      if (!isElements(elements)) throw new OutputNotFinite(`the model returned no tensor for ${rule.name}`);
      const shape = resolveShape(rule, elements.length, rows);
      return { rule, elements, shape, width: multiply(shape) };
    });
    return Array.from({ length: rows }, (_, row) => ({
      scores: {},
      tensors: Object.fromEntries(
        outputs.map(({ rule, elements, shape, width }) => [
          rule.name,
          nest(elements, row * width, shape, rule),
        ]),
      ),
    }));
  };

/** Reads the outputs of the task tensors: nested arrays by name. Throws OutputNotFinite. */
export const readTensors = ({ tensors }: Extract<Manifest, { task: "tensors" }>["output"]) =>
  createTensorReader(tensors);
