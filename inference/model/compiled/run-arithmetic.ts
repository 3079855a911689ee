import {
  type Column,
  type ColumnData,
  type ColumnOf,
  hasIntegers,
  hasNumbers,
  hasTexts,
  type NumberData,
  toNumbers,
} from "./column.ts";
import type { ArithmeticOperation, ColumnFunction, ColumnType, Comparison } from "./compiled-graph.ts";

/*
 * Every loop here stores its result in an array of the result's type, which rounds it: one operation on float32 numbers,
 * computed in double precision and rounded once, is the float32 operation (Figueroa, 1995; + - * / and square root). Each
 * operation has a loop of its own, because a call for each element takes ten times as long.
 */
type PairLoop = (
  data: NumberData,
  left: ColumnOf<NumberData>,
  right: ColumnOf<NumberData>,
  rows: number,
) => void;
const pairLoops: Readonly<Record<ArithmeticOperation | Comparison, PairLoop>> = {
  add: (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = (a[i + row * m] ?? 0) + (b[j + row * n] ?? 0);
  },
  subtract: (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = (a[i + row * m] ?? 0) - (b[j + row * n] ?? 0);
  },
  multiply: (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = (a[i + row * m] ?? 0) * (b[j + row * n] ?? 0);
  },
  divide: (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = (a[i + row * m] ?? 0) / (b[j + row * n] ?? 0);
  },
  minimum: (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = Math.min(a[i + row * m] ?? 0, b[j + row * n] ?? 0);
  },
  maximum: (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = Math.max(a[i + row * m] ?? 0, b[j + row * n] ?? 0);
  },
  equal: (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = (a[i + row * m] ?? 0) === (b[j + row * n] ?? 0) ? 1 : 0;
  },
  less: (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = (a[i + row * m] ?? 0) < (b[j + row * n] ?? 0) ? 1 : 0;
  },
  "less-or-equal": (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = (a[i + row * m] ?? 0) <= (b[j + row * n] ?? 0) ? 1 : 0;
  },
  greater: (data, { values: a, offset: i, stride: m }, { values: b, offset: j, stride: n }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = (a[i + row * m] ?? 0) > (b[j + row * n] ?? 0) ? 1 : 0;
  },
  "greater-or-equal": (
    data,
    { values: a, offset: i, stride: m },
    { values: b, offset: j, stride: n },
    rows,
  ) => {
    for (let row = 0; row < rows; row++) data[row] = (a[i + row * m] ?? 0) >= (b[j + row * n] ?? 0) ? 1 : 0;
  },
};
type IntegerPair = (left: bigint, right: bigint) => bigint;
const integerPairs: Readonly<Partial<Record<ArithmeticOperation, IntegerPair>>> = {
  add: (left, right) => left + right,
  subtract: (left, right) => left - right,
  multiply: (left, right) => left * right,
  minimum: (left, right) => (left < right ? left : right),
  maximum: (left, right) => (left > right ? left : right),
};
/** For integers and texts. */
const otherComparisons: Readonly<
  Record<Comparison, (left: number | bigint | string, right: number | bigint | string) => boolean>
> = {
  equal: (left, right) => left === right,
  less: (left, right) => left < right,
  "less-or-equal": (left, right) => left <= right,
  greater: (left, right) => left > right,
  "greater-or-equal": (left, right) => left >= right,
};

const round = Math.fround;
type FunctionLoop = (data: NumberData, column: ColumnOf<NumberData>, rows: number) => void;
const functionLoops: Readonly<Record<ColumnFunction, FunctionLoop>> = {
  negate: (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = -(values[offset + row * stride] ?? 0);
  },
  absolute: (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = Math.abs(values[offset + row * stride] ?? 0);
  },
  "square-root": (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = Math.sqrt(values[offset + row * stride] ?? 0);
  },
  exponential: (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = Math.exp(values[offset + row * stride] ?? 0);
  },
  logarithm: (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = Math.log(values[offset + row * stride] ?? 0);
  },
  sigmoid: (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) {
      const value = values[offset + row * stride] ?? 0;
      const share = round(1 / round(1 + round(Math.exp(-Math.abs(value)))));
      data[row] = value < 0 ? 1 - share : share;
    }
  },
  "hyperbolic-tangent": (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = Math.tanh(values[offset + row * stride] ?? 0);
  },
  sign: (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = Math.sign(values[offset + row * stride] ?? 0);
  },
  not: (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = values[offset + row * stride] === 0 ? 1 : 0;
  },
  reciprocal: (data, { values, offset, stride }, rows) => {
    for (let row = 0; row < rows; row++) data[row] = 1 / (values[offset + row * stride] ?? 0);
  },
};

const toNumberData = (data: ColumnData): NumberData => {
  if (Array.isArray(data) || data instanceof BigInt64Array)
    throw new TypeError("a step makes a column of another type");
  return data;
};

/** Adds, subtracts … two columns of one type. */
export const runArithmetic = (
  operation: ArithmeticOperation,
  left: Column,
  right: Column,
  data: ColumnData,
  rows: number,
): void => {
  if (!(data instanceof BigInt64Array)) {
    pairLoops[operation](toNumberData(data), toNumbers(left), toNumbers(right), rows);
    return;
  }
  const compute = integerPairs[operation];
  if (compute === undefined || !hasIntegers(left) || !hasIntegers(right))
    throw new TypeError(`a step ${operation} got columns of another type`);
  for (let row = 0; row < rows; row++)
    data[row] = compute(
      left.values[left.offset + row * left.stride] ?? 0n,
      right.values[right.offset + row * right.stride] ?? 0n,
    );
};

/** Compares two columns of one type, and gives flags. NaN compares as in IEEE 754. */
export const runComparison = (
  comparison: Comparison,
  left: Column,
  right: Column,
  data: ColumnData,
  rows: number,
): void => {
  const flags = toNumberData(data);
  if (hasNumbers(left) && hasNumbers(right)) {
    pairLoops[comparison](flags, left, right, rows);
    return;
  }
  const compare = otherComparisons[comparison];
  for (let row = 0; row < rows; row++)
    flags[row] = compare(
      left.values[left.offset + row * left.stride] ?? 0,
      right.values[right.offset + row * right.stride] ?? 0,
    )
      ? 1
      : 0;
};

/** Applies a function of one number. */
export const runFunction = (name: ColumnFunction, column: Column, data: ColumnData, rows: number): void =>
  functionLoops[name](toNumberData(data), toNumbers(column), rows);

type Source<Element> = {
  readonly values: ArrayLike<Element>;
  readonly offset: number;
  readonly stride: number;
};
const chooseFrom = <Element>(
  { values, offset, stride }: ColumnOf<NumberData>,
  yes: Source<Element>,
  no: Source<Element>,
  data: { [index: number]: Element },
  rows: number,
): void => {
  for (let row = 0; row < rows; row++) {
    const side = values[offset + row * stride] ? yes : no;
    const element = side.values[side.offset + row * side.stride];
    if (element !== undefined) data[row] = element;
  }
};

/** Takes the element of `yes` where the condition holds, else that of `no`; all of one type. */
export const runChoice = (
  condition: Column,
  yes: Column,
  no: Column,
  data: ColumnData,
  rows: number,
): void => {
  const flags = toNumbers(condition);
  if (hasNumbers(yes) && hasNumbers(no)) {
    const numbers = toNumberData(data);
    for (let row = 0; row < rows; row++)
      numbers[row] =
        (flags.values[flags.offset + row * flags.stride]
          ? yes.values[yes.offset + row * yes.stride]
          : no.values[no.offset + row * no.stride]) ?? 0;
  } else if (hasIntegers(yes) && hasIntegers(no) && data instanceof BigInt64Array)
    chooseFrom(flags, yes, no, data, rows);
  else if (hasTexts(yes) && hasTexts(no) && Array.isArray(data)) chooseFrom(flags, yes, no, data, rows);
  else throw new TypeError("a step chooses between columns of two types");
};

/** A 64-bit integer as the nearest float32: a detour over double precision would round twice. */
const toFloat32 = (integer: bigint): number => {
  const number = Number(integer);
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return Math.fround(number);
  // The lost bits become one sticky bit below the 53 that a double holds.
  const sticky = (integer >> 11n) | (integer & 0x7ffn ? 1n : 0n);
  return Math.fround(Number(sticky) * 2_048);
};

/** From here on a float is beyond int64. */
const int64End = 2 ** 63;
/** Whether each value of a column of floats is within int64. */
export const isWithinInt64 = ({ values, offset, stride }: Column, rows: number): boolean => {
  for (let row = 0; row < rows; row++) {
    const value = Number(values[offset + row * stride]);
    // False for NaN too.
    if (!(value >= -int64End && value < int64End)) return false;
  }
  return true;
};

/** Converts a column to the type of `data`, as onnxruntime's Cast does where the compiler allows it. */
export const runConversion = (column: Column, type: ColumnType, data: ColumnData, rows: number): void => {
  const { values, offset, stride } = column;
  if (Array.isArray(data)) {
    for (let row = 0; row < rows; row++) data[row] = String(values[offset + row * stride] ?? "");
  } else if (data instanceof BigInt64Array) {
    for (let row = 0; row < rows; row++) {
      const value = values[offset + row * stride] ?? 0;
      data[row] = typeof value === "bigint" ? value : BigInt(Math.trunc(Number(value)));
    }
  } else if (type === "bool") {
    for (let row = 0; row < rows; row++) data[row] = Number(values[offset + row * stride] ?? 0) === 0 ? 0 : 1;
  } else if (values instanceof BigInt64Array) {
    const convert = type === "float32" ? toFloat32 : Number;
    for (let row = 0; row < rows; row++) data[row] = convert(values[offset + row * stride] ?? 0n);
  } else if (hasNumbers(column)) {
    for (let row = 0; row < rows; row++) data[row] = column.values[offset + row * stride] ?? 0;
  } else throw new TypeError("a step converts texts");
};
