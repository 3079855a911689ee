import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { readBody, readText } from "#inference/http/read-body.ts";
import { createImageBodyReader } from "#inference/http/read-image-body.ts";
import { readPythonJson } from "#inference/http/read-python-json.ts";
import { refuseContentType } from "#inference/http/refuse-content-type.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";
import { readFrame } from "./read-frame.ts";

/** `header` is RFC 4180's parameter for CSV. SageMaker's clients send `label_size=0`: no column is a label. */
const mediaType =
  /^\s*(application\/json|text\/csv)\s*(?:;\s*(?:charset="?utf-8"?|header=(present|absent)|label_size=0)\s*)*$/i;

/**
 * Reads a table as JSON or CSV from a request's body, or the only input's image. For CSV, pointers refer to the rows as in JSON.
 * @param csvHeader the default for a CSV without the parameter `header`
 */
export const readTableRequest = (manifest: Manifest, csvHeader: "present" | "absent") => {
  const parseFrame = readFrame(manifest);
  const readImage = createImageBodyReader(manifest);
  return async (request: HttpRequest): Promise<PredictRequest | HttpProblem> => {
    const image = readImage && (await readImage(request));
    if (image) return image;
    const [, type, header = csvHeader] = mediaType.exec(request.header("content-type") ?? "") ?? [];
    if (!type) return refuseContentType(manifest);
    const bytes = await readBody(request);
    if (!(bytes instanceof Uint8Array)) return bytes;
    if (type.toLowerCase() === "application/json") {
      const result = readPythonJson(bytes, manifest);
      return "json" in result ? parseFrame(result.json) : result;
    }
    const text = readText(bytes);
    if (typeof text !== "string") return text;
    const { readCsv } = await import("#inference/csv/read-csv.ts");
    const result = readCsv(manifest)(text, { header: header.toLowerCase() === "present" });
    return "rows" in result ? { rows: result.rows, pointer: rowPointer("/rows") } : result;
  };
};
