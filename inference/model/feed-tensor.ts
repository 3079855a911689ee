import type { ColumnElement } from "#model-folder/onnx/bind-inputs.ts";
import type { FeedData } from "#model-folder/rows/feed-data.ts";

/** The value of one of a graph's inputs; a matrix is row-major. 16-bit floats are a Float16Array, flags a Uint8Array. */
export type FeedTensor = {
  readonly type: ColumnElement;
  readonly data: FeedData;
  readonly dims: readonly number[];
};
/** The values of a run, by the graph's input names. */
export type Feeds = Readonly<Record<string, FeedTensor>>;
