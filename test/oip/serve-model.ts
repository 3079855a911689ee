import { createApp } from "../../inference/app.ts";
import type { Manifest, Prediction, Row } from "../../inference/manifest/manifest.ts";
import type { LoadedModel } from "../../inference/model/load-model.ts";
import { rowChecker } from "../../inference/model/row-checker.ts";
import { RowsInvalid } from "../../inference/model/rows-invalid.ts";
import { createService } from "../../inference/service.ts";
import { requesting } from "../http/requesting.ts";

/** The service's addresses for a model, as `churn` version 3; what it logs is kept in `logged`. */
export const serveModel = (model: LoadedModel, logged: string[] = []) => {
  let ids = 0;
  const app = createApp(
    createService({
      model,
      identity: {
        model: "churn",
        version: 3,
        digest: `sha256:${"a".repeat(64)}`,
        environment: "prod",
        functionVersion: "7",
      },
      now: () => Date.UTC(2026, 10, 21),
      tick: () => 0,
      newId: () => `id-${++ids}`,
      report: () => undefined,
      log: (line) => logged.push(line),
    }),
  );
  return requesting(app);
};

/** A model without a graph: it checks rows as every model does, and answers by `predict`. */
export const stubModel = (manifest: Manifest, predict: (row: Row) => Prediction): LoadedModel => {
  const check = rowChecker(manifest);
  return {
    manifest,
    predict: async (rows) => {
      if (!Array.isArray(rows)) throw new RowsInvalid([{ detail: "must be an array" }]);
      const problems = check(rows);
      if (problems.length > 0) throw new RowsInvalid(problems);
      return rows.map((row) => predict(row));
    },
    release: async () => undefined,
  };
};
