import { openImagesIfAny } from "#inference/image/open-images-if-any.ts";
import type { Input, Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { bindInputs, type Column } from "#model-folder/onnx/bind-inputs.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { encodeRowGroups } from "#model-folder/rows/encode-row-groups.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { assertOutputShapes } from "./assert-output-shapes.ts";
import { batchRequests } from "./batch-requests.ts";
import { eventLoopLimit } from "./batch-runs.ts";
import { createFeeds } from "./create-feeds.ts";
import { findIndexProblems } from "./find-index-problems.ts";
import { IndexOutOfRange } from "./model-errors.ts";
import { type ColumnPath, createColumnPath } from "./predict-columns.ts";
import { RowsInvalid } from "./rows-invalid.ts";
import type { Session } from "./session.ts";

type Dependencies = {
  readonly session: Session;
  readonly outputs: readonly string[];
  /** Numbers per row in each output. */
  readonly width: number;
  readonly read: (data: readonly unknown[], rows: number) => Prediction[];
};

/** The number that the graph gets for a value. */
const toGraphNumber = (value: unknown, input: Input): unknown =>
  input.type === "category" ? input.values.indexOf(String(value)) : value;

/** The input whose value is the index that the graph refused; undefined unless exactly one has it. */
const nameIndexInput =
  (columns: readonly Column[]) =>
  (row: unknown, { message }: IndexOutOfRange): string | undefined => {
    const [, index] = /(?:idx ?= ?|index ?= ?|\()(-?\d+)/.exec(message) ?? [];
    if (index === undefined || !isJsonObject(row)) return undefined;
    const names = columns.flatMap(({ input }) =>
      toGraphNumber(getOwnProperty(row, input.name), input) === Number(index) ? [input.name] : [],
    );
    return names.length === 1 ? names[0] : undefined;
  };

/** Creates the path through columns for the first body: a direct invocation has none. */
const createLateColumnPath = (create: () => ColumnPath | undefined): ColumnPath => {
  let created: { readonly path: ColumnPath | undefined } | undefined;
  const open = (): ColumnPath | undefined => {
    created ??= { path: create() };
    return created.path;
  };
  return {
    scan: (body, needs) => open()?.scan(body, needs),
    predict: (rows) => (open() ?? throwNeverScanned()).predict(rows),
  };
};
const throwNeverScanned = (): never => {
  throw new TypeError("the model has no path through columns, so nothing can have been scanned");
};

/** Predicts rows of a table in batches of small requests. Throws ModelUnreadable if graph and manifest do not match. */
export const predictTable = async (manifest: Manifest, { session, outputs, width, read }: Dependencies) => {
  const binding = bindInputs(manifest, session.inputs);
  if (binding.status === "mismatched")
    throw new ModelUnreadable(binding.mismatches.map(({ message }) => message).join("\n"));
  const { columns } = binding;
  const images = await openImagesIfAny(manifest);
  const encode = encodeRowGroups(columns, images);
  const checkShape = assertOutputShapes(manifest);
  const run = async (rows: unknown): Promise<Prediction[]> => {
    await images?.prepare();
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    const predictions = new Array<Prediction>(encoded.rows);
    for (const { feeds, places } of encoded.groups) {
      const data = await session.run(createFeeds(feeds), outputs, checkShape);
      for (const [index, prediction] of read(data, places.length).entries())
        predictions[places[index] ?? index] = prediction;
    }
    return predictions;
  };
  const predict = batchRequests(async (rows) => {
    try {
      return await run(rows);
    } catch (error) {
      if (!(error instanceof IndexOutOfRange) || !Array.isArray(rows)) throw error;
      const problems = await findIndexProblems(rows, run, nameIndexInput(columns));
      throw problems.length > 0 ? new RowsInvalid(problems) : error;
    }
  }, eventLoopLimit);
  return {
    predict,
    columns: createLateColumnPath(() => createColumnPath(manifest, { columns, session, outputs, width })),
  };
};
