import type { HttpResponse } from "#inference/http/http-response.ts";
import type { Predicted } from "#inference/run-prediction.ts";

/** The response as JSON.stringify writes it, with the predictions in the text that they have already. */
export const writePredictResponse = ({
  response: { id, model, version, latencyMs, createdAt, storageWarning },
  predicted,
}: Pick<Predicted, "response" | "predicted">): HttpResponse => {
  const head = `{"id":${JSON.stringify(id)},"model":${JSON.stringify(model)},"version":${version}`;
  const warning = storageWarning === undefined ? "" : `,"storageWarning":${JSON.stringify(storageWarning)}`;
  const tail = `"latencyMs":${latencyMs},"createdAt":"${createdAt}"${warning}}`;
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: `${head},"predictions":${predicted.toJson()},${tail}`,
  };
};
