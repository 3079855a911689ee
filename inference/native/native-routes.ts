import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import {
  type HttpResponse,
  jsonResponse,
  problemResponse,
  withHeaders,
} from "#inference/http/http-response.ts";
import { readBody, readJson, readText } from "#inference/http/read-body.ts";
import { createImageBodyReader } from "#inference/http/read-image-body.ts";
import { refuseContentType } from "#inference/http/refuse-content-type.ts";
import type { Route } from "#inference/http/router.ts";
import { withEntityTag } from "#inference/http/with-entity-tag.ts";
import { withPredictionHeaders } from "#inference/http/with-prediction-headers.ts";
import type { ScannedRows } from "#inference/model/predict-columns.ts";
import type { PredictedRows } from "#inference/model/predicted-rows.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import type { Service } from "#inference/service.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";
import { describeModel } from "./describe-model.ts";
import { parsePredictRequest } from "./parse-predict-request.ts";
import { writePredictResponse } from "./write-predict-response.ts";

const mediaType = /^(application\/json|text\/csv)\s*(;\s*(charset="?utf-8"?|header=present)\s*)*$/i;

const pointer = rowPointer("/rows");

/**
 * A request whose rows become objects on the first use. The scan has checked that the bytes are JSON with each key once.
 * A class, because an object literal with a getter outlives its request (docs/decisions/63).
 */
class ScannedRequest implements PredictRequest {
  readonly pointer = pointer;
  readonly scanned: ScannedRows;
  readonly #bytes: Uint8Array;
  #rows: unknown;
  constructor(scanned: ScannedRows, bytes: Uint8Array) {
    this.scanned = scanned;
    this.#bytes = bytes;
  }
  get rows(): unknown {
    const { buffer, byteOffset, length } = this.#bytes;
    this.#rows ??= Reflect.get(JSON.parse(Buffer.from(buffer, byteOffset, length).toString()), "rows");
    return this.#rows;
  }
}

/** Reads a predict request in JSON or in CSV with a header. For CSV, pointers refer to the rows as in JSON. */
const readPredictRequest = async (
  service: Service,
  readImage: ReturnType<typeof createImageBodyReader>,
  request: HttpRequest,
): Promise<PredictRequest | HttpProblem> => {
  const image = readImage && (await readImage(request));
  if (image) return image;
  const type = mediaType.exec(request.header("content-type") ?? "")?.[1]?.toLowerCase();
  if (!type) return refuseContentType(service.model.manifest);
  const bytes = await readBody(request);
  if (!(bytes instanceof Uint8Array)) return bytes;
  if (type === "application/json") {
    const text = service.records?.recorder.readsText ?? false;
    const scanned = request.scanned ?? service.model.columns?.scan(bytes, { text });
    if (scanned) return new ScannedRequest(scanned, bytes);
    const result = readJson(bytes, service.model.manifest);
    return "json" in result ? parsePredictRequest(result.json) : result;
  }
  const text = readText(bytes);
  if (typeof text !== "string") return text;
  const { readCsv } = await import("#inference/csv/read-csv.ts");
  const result = readCsv(service.model.manifest)(text, { header: true });
  return "rows" in result ? { rows: result.rows, pointer } : result;
};

const csvResponse = async ({ model }: Service, predicted: PredictedRows): Promise<HttpResponse> => {
  const { writeCsv } = await import("#inference/csv/write-csv.ts");
  return {
    status: 200,
    headers: { "content-type": "text/csv; charset=utf-8; header=present" },
    body: writeCsv(model.manifest)(predicted.toArray(), { header: true }),
  };
};

const handlePredict = (service: Service) => {
  const readImage = createImageBodyReader(service.model.manifest);
  return async (request: HttpRequest): Promise<HttpResponse> => {
    const result = await service.predict(() => readPredictRequest(service, readImage, request));
    if (result.status === "refused") return problemResponse(result.problem);
    const response = /^\s*text\/csv\b/i.test(request.header("accept") ?? "")
      ? await csvResponse(service, result.predicted)
      : writePredictResponse(result);
    return withPredictionHeaders(response, result.response);
  };
};

/** Slipway's own protocol: POST /v1/predict, GET /v1/model, /health (process runs), /ready (the model can predict). */
export const nativeRoutes = (service: Service): readonly Route[] => {
  const description = withHeaders(jsonResponse(describeModel(service)), { "cache-control": "no-cache" });
  return [
    { method: "POST", path: "/v1/predict", respond: handlePredict(service) },
    { method: "GET", path: "/v1/model", respond: (request) => withEntityTag(request, description) },
    { method: "GET", path: "/health", respond: () => jsonResponse({ status: "alive" }) },
    {
      method: "GET",
      path: "/ready",
      respond: async () =>
        (await service.ready())
          ? jsonResponse({ status: "ready" })
          : problemResponse(
              createProblem("not-ready", "The model cannot predict its sample row yet: try again."),
            ),
    },
  ];
};
