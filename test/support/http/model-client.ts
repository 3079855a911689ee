import { createApp } from "#inference/app.ts";
import type { LoadedModel } from "#inference/model/load-model.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import type { Manifest, Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { checkRows } from "#model-folder/rows/check-rows.ts";
import { createTestService } from "#test/support/onnx/create-test-service.ts";
import { createAppClient } from "./app-client.ts";

/** A client of a model's service, as version 3 in prod; `logged` gets its log lines. */
export const createModelClient = (model: LoadedModel, logged: string[] = []) =>
  createAppClient(createApp(createTestService(model, (line) => logged.push(line))));

/** A model without a graph: it checks rows as every model does, and predicts with `predict`. */
export const createStubModel = (manifest: Manifest, predict: (row: Row) => Prediction): LoadedModel => {
  const check = checkRows(manifest);
  return {
    manifest,
    engine: { name: "onnxruntime", reason: "it has no graph" },
    predict: async (rows) => {
      if (!Array.isArray(rows)) throw new RowsInvalid([{ detail: "must be an array" }]);
      const problems = check(rows);
      if (problems.length > 0) throw new RowsInvalid(problems);
      return rows.map((row) => predict(row));
    },
    release: async () => undefined,
  };
};
