import type { ColumnElement } from "#model-folder/onnx/bind-inputs.ts";

/** The data of one graph input, in the graph's element type. */
export type FeedData =
  | Float32Array
  | Float64Array
  | Float16Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | string[];

/** The least and greatest number of an element; 64-bit integers only as far as JSON's numbers are exact. */
export const elementBounds: Readonly<Record<ColumnElement, readonly [number, number]>> = {
  // Numbers beyond these would become Infinity or wrap around.
  float16: [-65_504, 65_504],
  float32: [-3.4028234663852886e38, 3.4028234663852886e38],
  float64: [-Number.MAX_VALUE, Number.MAX_VALUE],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
  int32: [-2_147_483_648, 2_147_483_647],
  uint32: [0, 4_294_967_295],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
  bool: [0, 1],
  string: [0, 0],
};

export const allocateFeed = (element: ColumnElement, length: number): FeedData => {
  switch (element) {
    case "float16":
      return new Float16Array(length);
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "int64":
      return new BigInt64Array(length);
    case "uint64":
      return new BigUint64Array(length);
    case "bool":
    case "uint8":
      return new Uint8Array(length);
    case "int8":
      return new Int8Array(length);
    case "uint16":
      return new Uint16Array(length);
    case "int16":
      return new Int16Array(length);
    case "uint32":
      return new Uint32Array(length);
    case "string":
      return new Array<string>(length).fill("");
    default:
      return element satisfies never;
  }
};
