import type { HttpResponse } from "#inference/http/http-response.ts";
import type { Predicted } from "#inference/run-prediction.ts";

/** The response as JSON.stringify writes it, with the predictions in the text that they have already. */
export const writePredictResponse = ({
  response: { id, model, version, latencyMs, createdAt, storageWarning },
  predicted,
}: Pick<Predicted, "response" | "predicted">): HttpResponse => {
  const head = JSON.stringify({ id, model, version }).slice(0, -1);
  // A property that is undefined is left out.
  const tail = JSON.stringify({ latencyMs, createdAt, storageWarning }).slice(1);
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: `${head},"predictions":${predicted.toJson()},${tail}`,
  };
};
