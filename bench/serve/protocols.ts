import { z } from "zod";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";

type RowModel = Pick<Manifest, "inputs">;
/** How rows reach a server, and what it answers. */
export type Protocol = {
  readonly path: string;
  formatBody(rows: readonly Row[], model: RowModel): string;
  /** Probabilities, row by row, each in the order of `labels`. Throws for another response. */
  readScores(response: unknown, labels: readonly string[]): Float64Array;
};

const NamedScores = z.object({
  predictions: z.array(z.object({ scores: z.record(z.string(), z.number()) })),
});
const readNamedScores: Protocol["readScores"] = (response, labels) =>
  Float64Array.from(
    NamedScores.parse(response).predictions.flatMap(({ scores }) =>
      labels.map((label) => scores[label] ?? Number.NaN),
    ),
  );

/** Rows as objects: Slipway's own form, which the servers written for this benchmark take too. */
export const native: Protocol = {
  path: "/v1/predict",
  formatBody: (rows) => JSON.stringify({ rows }),
  readScores: readNamedScores,
};

/** https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol */
export const kserveV1: Protocol = {
  path: "/v1/models/model:predict",
  formatBody: (rows) => JSON.stringify({ instances: rows }),
  readScores: readNamedScores,
};

const Outputs = z.object({
  outputs: z.array(z.object({ name: z.string(), data: z.array(z.number()) })),
});

/** Open Inference Protocol V2 with a tensor for each input. */
export const openInference: Protocol = {
  path: "/v2/models/model/infer",
  formatBody: (rows, { inputs }) =>
    JSON.stringify({
      inputs: inputs.map(({ name, type }) => ({
        name,
        shape: [rows.length, 1],
        datatype: type === "category" || type === "string" ? "BYTES" : "FP32",
        data: rows.map((row) => row[name] ?? null),
      })),
    }),
  readScores: (response) => {
    const found = Outputs.parse(response).outputs.find(({ name }) => name === "probabilities");
    return Float64Array.from(found?.data ?? []);
  },
};

const Matrix = z.object({ predictions: z.array(z.array(z.number())) });

/** https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#json-input */
export const dataframeSplit: Protocol = {
  path: "/invocations",
  formatBody: (rows, { inputs }) => {
    const columns = inputs.map(({ name }) => name);
    const data = rows.map((row) => columns.map((name) => row[name] ?? null));
    return JSON.stringify({ dataframe_split: { columns, data } });
  },
  readScores: (response) => Float64Array.from(Matrix.parse(response).predictions.flat()),
};
