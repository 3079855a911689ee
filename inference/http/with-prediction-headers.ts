import type { PredictResponseHead } from "#inference/native/predict-response.ts";
import { type HttpResponse, withHeaders } from "./http-response.ts";

/** Adds the headers that all protocols share: the prediction's id, and a warning if its record was lost. */
export const withPredictionHeaders = (
  response: HttpResponse,
  { id, storageWarning }: PredictResponseHead,
): HttpResponse =>
  withHeaders(response, {
    "x-prediction-id": id,
    ...(storageWarning ? { "x-storage-warning": storageWarning } : {}),
  });
