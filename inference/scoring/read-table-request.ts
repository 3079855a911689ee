import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { readBody, readText } from "#inference/http/read-body.ts";
import { readPythonJson } from "#inference/http/read-python-json.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";
import { readFrame } from "./read-frame.ts";

/** `header` is RFC 4180's parameter of CSV; SageMaker's clients say with `label_size=0` that no column is a label. */
const mediaType =
  /^\s*(application\/json|text\/csv)\s*(?:;\s*(?:charset="?utf-8"?|header=(present|absent)|label_size=0)\s*)*$/i;

/**
 * The question in a request's body: a table as JSON or as CSV. A CSV's pointers are those of its rows in JSON.
 * @param csvHeader whether a CSV that does not say so has a header
 */
export const readTableRequest = (manifest: Manifest, csvHeader: "present" | "absent") => {
  const frame = readFrame(manifest);
  return async (request: HttpRequest): Promise<PredictRequest | HttpProblem> => {
    const [, type, header = csvHeader] = mediaType.exec(request.header("content-type") ?? "") ?? [];
    if (!type) return createProblem("wrong-content-type", "Send application/json or text/csv, in UTF-8.");
    const bytes = await readBody(request);
    if (!(bytes instanceof Uint8Array)) return bytes;
    if (type.toLowerCase() === "application/json") {
      const read = readPythonJson(bytes, manifest);
      return "json" in read ? frame(read.json) : read;
    }
    const text = readText(bytes);
    if (typeof text !== "string") return text;
    const { readCsv } = await import("#inference/csv/read-csv.ts");
    const read = readCsv(manifest)(text, { header: header.toLowerCase() === "present" });
    return "rows" in read ? { rows: read.rows, pointer: rowPointer("/rows") } : read;
  };
};
