import type { PredictResponse } from "#inference/native/predict-response.ts";
import { type HttpResponse, withHeaders } from "./http-response.ts";

/** The answer of whichever protocol, with what all of them say in headers: its id, and a record that was lost. */
export const withPredictionHeaders = (
  reply: HttpResponse,
  { id, storageWarning }: PredictResponse,
): HttpResponse =>
  withHeaders(reply, {
    "x-prediction-id": id,
    ...(storageWarning ? { "x-storage-warning": storageWarning } : {}),
  });
