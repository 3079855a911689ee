import { type Bound, isSignCertain, isWithinTolerance } from "./bounds.ts";
import { type Column, type ColumnOf, type NumberData, toNumbers } from "./column.ts";
import type { StepIndex } from "./compiled-graph.ts";
import type { RunStep, StepContext } from "./run-step.ts";

const none: Bound = { values: new Float64Array(1), offset: 0, stride: 0 };
/** What the result of one more operation, or another library's exponential, can differ by: relative. */
const roundings = { float32: 2 ** -23, float64: 2 ** -52 } as const;
/** How far onnxruntime's own logistic function, hyperbolic tangent and softmax may be from ours: absolute. */
const approximation = 2.5e-7;

const take = <Item>(list: readonly Item[], index: number): Item => {
  const item = list[index];
  if (item === undefined) throw new TypeError(`the graph names ${index} of ${list.length}`);
  return item;
};
const readBound = ({ values, offset, stride }: Bound, row: number): number =>
  values[offset + row * stride] ?? 0;
const createReader = (column: Column) => (row: number) => {
  const { values, offset, stride } = toNumbers(column);
  return values[offset + row * stride] ?? 0;
};

/** The bound of one operation's result from the bounds of its operands. */
type Rule = (row: number) => number;

const createRule = (index: StepIndex, context: StepContext): Rule | undefined => {
  const { steps, registers, bounds } = context;
  const step = take(steps, index);
  const value = createReader(take(registers, index));
  const read = (source: StepIndex) => createReader(take(registers, source));
  const boundOf = (source: StepIndex): Rule => {
    const bound = bounds[source] ?? none;
    return (row) => readBound(bound, row);
  };
  const rounding = step.type === "float64" ? roundings.float64 : roundings.float32;
  switch (step.step) {
    case "convert": {
      const bound = boundOf(step.column);
      return (row) => bound(row) + Math.abs(value(row)) * rounding;
    }
    case "choose": {
      const [yes, no] = [boundOf(step.yes), boundOf(step.no)];
      return (row) => Math.max(yes(row), no(row));
    }
    case "function": {
      const bound = boundOf(step.column);
      switch (step.function) {
        case "negate":
        case "absolute":
          return bound;
        case "sigmoid":
          return (row) => {
            const share = value(row);
            // The slope at the steeper end.
            const slope = Math.min(0.25, share * (1 - share) * Math.exp(Math.min(bound(row), 1)));
            return bound(row) <= 1 ? bound(row) * slope + approximation : Number.NaN;
          };
        case "hyperbolic-tangent":
          return (row) => bound(row) + approximation;
        case "exponential":
          return (row) => Math.abs(value(row)) * (Math.expm1(bound(row)) + 2 * rounding);
        default:
          return undefined;
      }
    }
    case "arithmetic": {
      const [left, right] = [read(step.left), read(step.right)];
      const [leftBound, rightBound] = [boundOf(step.left), boundOf(step.right)];
      switch (step.operation) {
        case "add":
        case "subtract":
          return (row) => leftBound(row) + rightBound(row) + Math.abs(value(row)) * rounding;
        case "multiply":
          return (row) =>
            Math.abs(left(row)) * rightBound(row) +
            Math.abs(right(row)) * leftBound(row) +
            leftBound(row) * rightBound(row) +
            Math.abs(value(row)) * rounding;
        case "divide":
          return (row) => {
            const least = Math.abs(right(row)) - rightBound(row);
            return least > 0
              ? (leftBound(row) + Math.abs(value(row)) * rightBound(row)) / least +
                  Math.abs(value(row)) * rounding
              : Number.NaN;
          };
        case "minimum":
        case "maximum":
          return (row) => Math.max(leftBound(row), rightBound(row));
        default:
          return step.operation satisfies never;
      }
    }
    default:
      return undefined;
  }
};

/** Above it no number is within the tolerance, and the slopes below would no longer hold. */
const widestShare = 0.01;

/** The bounds of a logistic function or of a softmax over a row of sums. */
const prepareTransform = (
  index: StepIndex,
  { matrix, width, transform }: { matrix: StepIndex; width: number; transform: string },
  { registers, bounds, blockRows }: StepContext,
): RunStep => {
  const sourceBounds = (bounds[matrix] ?? none).values;
  const { values } = toNumbers(take(registers, index));
  const own = new Float64Array(blockRows * width);
  bounds[index] = { values: own, offset: 0, stride: width };
  if (transform === "logistic")
    return (_start, rows) => {
      for (let at = 0; at < rows * width; at++) {
        const share = values[at] ?? 0;
        const bound = sourceBounds[at] ?? 0;
        // The slope is share × (1 - share), and grows by less than e^bound on the way.
        own[at] =
          bound <= widestShare ? bound * share * (1 - share) * (1 + 2 * bound) + approximation : Number.NaN;
      }
    };
  return (_start, rows) => {
    for (let first = 0; first < rows * width; first += width) {
      let shared = 0;
      let widest = 0;
      for (let at = first; at < first + width; at++) {
        const bound = sourceBounds[at] ?? 0;
        shared += (values[at] ?? 0) * bound;
        // NaN stays NaN.
        widest = bound <= widest ? widest : bound;
      }
      const growth = widest <= widestShare ? 1 + 4 * widest : Number.NaN;
      for (let at = first; at < first + width; at++) {
        const share = values[at] ?? 0;
        const bound = sourceBounds[at] ?? 0;
        // The slopes are share × (1 - share), and share × the share of another sum.
        own[at] = share * (bound + shared - 2 * share * bound) * growth + approximation;
      }
    }
  };
};

/** Notes a row whose comparison could end otherwise in onnxruntime. `right` undefined: with zero. */
const checkSigns = (
  left: StepIndex,
  right: StepIndex | undefined,
  { registers, bounds, doubts }: StepContext,
): RunStep => {
  const readLeft = createReader(take(registers, left));
  const readRight = right === undefined ? () => 0 : createReader(take(registers, right));
  const leftBound = bounds[left] ?? none;
  const rightBound = (right === undefined ? undefined : bounds[right]) ?? none;
  return (_start, rows) => {
    for (let row = 0; row < rows; row++)
      if (
        !isSignCertain(readLeft(row) - readRight(row), readBound(leftBound, row) + readBound(rightBound, row))
      )
        doubts.found = true;
  };
};

const copyTo = (
  { values, offset, stride }: Bound | ColumnOf<NumberData>,
  to: Float64Array,
  { column, width, rows }: { readonly column: number; readonly width: number; readonly rows: number },
): void => {
  for (let row = 0; row < rows; row++) to[row * width + column] = values[offset + row * stride] ?? 0;
};

/** Notes a row whose greatest (or least) number could be another one in onnxruntime. */
const checkExtreme = (
  columns: readonly StepIndex[],
  isLeast: boolean,
  { registers, bounds, doubts, blockRows }: StepContext,
): RunStep => {
  const width = columns.length;
  const numbers = new Float64Array(blockRows * width);
  const sizes = new Float64Array(blockRows * width);
  const sign = isLeast ? -1 : 1;
  return (_start, rows) => {
    for (let column = 0; column < width; column++) {
      const index = columns[column] ?? 0;
      copyTo(toNumbers(take(registers, index)), numbers, { column, width, rows });
      copyTo(bounds[index] ?? none, sizes, { column, width, rows });
    }
    for (let first = 0; first < rows * width; first += width) {
      let best = first;
      for (let at = first + 1; at < first + width; at++)
        if (sign * ((numbers[at] ?? 0) - (numbers[best] ?? 0)) > 0) best = at;
      for (let at = first; at < first + width; at++)
        if (
          at !== best &&
          !isSignCertain((numbers[best] ?? 0) - (numbers[at] ?? 0), (sizes[best] ?? 0) + (sizes[at] ?? 0))
        )
          doubts.found = true;
    }
  };
};

/**
 * Prepares the bounds of a step's numbers, or the check of what it decides by numbers that have bounds; nothing for a step
 * whose numbers are onnxruntime's to the last bit.
 */
export const prepareBound = (index: StepIndex, context: StepContext): readonly RunStep[] => {
  const { steps, bounds, blockRows } = context;
  const step = take(steps, index);
  const isSoft = (source: StepIndex): boolean => bounds[source] !== undefined;
  switch (step.step) {
    case "part": {
      const matrix = bounds[step.matrix];
      if (matrix !== undefined) bounds[index] = { ...matrix, offset: step.column };
      return [];
    }
    case "transform":
      return isSoft(step.matrix) ? [prepareTransform(index, step, context)] : [];
    case "compare":
      return isSoft(step.left) || isSoft(step.right) ? [checkSigns(step.left, step.right, context)] : [];
    case "extreme":
      return step.columns.some(isSoft) ? [checkExtreme(step.columns, step.least, context)] : [];
    case "function":
      if (step.function === "sign")
        return isSoft(step.column) ? [checkSigns(step.column, undefined, context)] : [];
      if (!isSoft(step.column)) return [];
      break;
    case "convert":
      if (!isSoft(step.column)) return [];
      break;
    case "arithmetic": {
      const [left, right] = [bounds[step.left], bounds[step.right]];
      if (left === undefined && right === undefined) return [];
      // The extreme of a number and a certain one is as far off as the number at most.
      if (step.operation === "minimum" || step.operation === "maximum")
        if (left === undefined || right === undefined) {
          const bound = left ?? right;
          if (bound !== undefined) bounds[index] = bound;
          return [];
        }
      break;
    }
    case "choose":
      if (!isSoft(step.yes) && !isSoft(step.no)) return [];
      break;
    default:
      return [];
  }
  const own: Bound = { values: new Float64Array(blockRows), offset: 0, stride: 1 };
  bounds[index] = own;
  const rule = createRule(index, context);
  if (rule === undefined) throw new TypeError(`the graph has a step ${step.step} of sums`);
  return [
    (_start, rows) => {
      for (let row = 0; row < rows; row++) own.values[row] = rule(row);
    },
  ];
};

/** Notes a row whose number in an output may be further from onnxruntime's than the tolerance. */
export const checkOutput = (
  column: StepIndex,
  { registers, bounds, doubts }: StepContext,
): readonly RunStep[] => {
  const bound = bounds[column];
  if (bound === undefined) return [];
  const register = take(registers, column);
  return [
    (_start, rows) => {
      const { values, offset, stride } = toNumbers(register);
      for (let row = 0; row < rows; row++)
        if (
          !isWithinTolerance(
            bound.values[bound.offset + row * bound.stride] ?? 0,
            values[offset + row * stride] ?? 0,
          )
        )
          doubts.found = true;
    },
  ];
};
