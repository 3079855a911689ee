import * as z from "zod";
import { Row } from "#model-folder/manifest/manifest.ts";
import type { Serving } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";

/** The function's response to an HTTP event, as API Gateway gets it. */
const HttpResponse = z.object({ statusCode: z.int(), body: z.string() });
/** What the replay needs of a page of `GET /v1/predictions`. */
const Page = z.object({
  items: z.array(
    z.object({ version: z.int(), inputs: Row.optional(), createdAt: z.iso.datetime({ offset: true }) }),
  ),
  cursor: z.string().optional(),
});

export type RecordedRowsLimits = {
  readonly rows: number;
  /** Of all rows as JSON. */
  readonly bytes: number;
  readonly pages: number;
};

const pageSize = 100;

/**
 * The HTTP API's event for a page of records, payload version 2.0
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
 */
const createPageEvent = (cursor: string | undefined): Json => ({
  version: "2.0",
  rawPath: "/v1/predictions",
  rawQueryString: new URLSearchParams({ limit: String(pageSize), ...(cursor ? { cursor } : {}) }).toString(),
  headers: {},
  requestContext: { http: { method: "GET", path: "/v1/predictions" } },
});

/**
 * The last rows that prod's champion predicted since its promotion, newest first, as its own function lists them: whoever
 * calls it needs no right to read the records' table. Golden rows of deployments are older, or another version's. Undefined
 * if the function keeps no records. Throws like `Serving.invoke`.
 */
export const readRecordedRows =
  (serving: Pick<Serving, "invoke">, limits: RecordedRowsLimits) =>
  async (
    model: string,
    champion: {
      readonly functionVersion: string;
      /** In the registry. */
      readonly version: number;
      /** Epoch milliseconds. */
      readonly promotedAt: number;
    },
  ): Promise<readonly Row[] | undefined> => {
    const rows: Row[] = [];
    let bytes = 0;
    let cursor: string | undefined;
    for (let count = 0; count < limits.pages; count++) {
      const qualifier = { version: champion.functionVersion };
      const { payload } = await serving.invoke(model, qualifier, createPageEvent(cursor));
      const response = HttpResponse.parse(payload);
      if (response.statusCode !== 200) return undefined;
      const page = Page.parse(JSON.parse(response.body));
      for (const { version, inputs, createdAt } of page.items) {
        if (Date.parse(createdAt) < champion.promotedAt) return rows;
        if (version !== champion.version || inputs === undefined) continue;
        bytes += Buffer.byteLength(JSON.stringify(inputs));
        if (bytes > limits.bytes) return rows;
        rows.push(inputs);
        if (rows.length >= limits.rows) return rows;
      }
      cursor = page.cursor;
      if (cursor === undefined) return rows;
    }
    return rows;
  };
