import fc from "fast-check";
import { type Datatype, isDatatype } from "#inference/oip/datatypes.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";

/** A request to one of the service's protocols. */
export type ServiceRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

const json = { "content-type": "application/json" };
const csv = { "content-type": "text/csv" };

/** The same rows as a request of each protocol of the model `churn`. */
export const buildValidRequests = (rows: readonly Row[]): readonly ServiceRequest[] => {
  const names = Object.keys(rows[0] ?? {});
  const lists = rows.map((row) => names.map((name) => row[name] ?? null));
  const lines = lists.map((list) =>
    list.map((value) => JSON.stringify(value ?? "").replaceAll('"', "")).join(),
  );
  const tensors = names.map((name) => {
    const data = rows.map((row) => row[name] ?? null);
    const datatype: Datatype = data.some((value) => typeof value === "string") ? "BYTES" : "FP64";
    return { name, datatype, shape: [rows.length], data };
  });
  const numbers = tensors.filter(({ datatype }) => isDatatype(datatype) && datatype === "FP64");
  const binary = numbers.map(({ data }) =>
    Buffer.from(Float64Array.from(data, (value) => Number(value ?? NaN)).buffer),
  );
  const header = Buffer.from(
    JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: [
        ...numbers.map(({ data: _, ...tensor }) => ({
          ...tensor,
          parameters: { binary_data_size: 8 * rows.length },
        })),
        ...tensors.filter(({ datatype }) => datatype === "BYTES"),
      ],
    }),
  );
  const post = (path: string, headers: Record<string, string>, body: unknown): ServiceRequest => ({
    method: "POST",
    path,
    headers,
    body:
      body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
  });
  return [
    post("/v1/predict", json, { rows }),
    post("/v1/predict", csv, [names.join(), ...lines].join("\n")),
    post("/v2/models/churn/infer", json, { inputs: tensors }),
    post(
      "/v2/models/churn/infer",
      { "inference-header-content-length": String(header.length) },
      Buffer.concat([header, ...binary]),
    ),
    post("/invocations", json, { dataframe_split: { columns: names, data: lists } }),
    post("/invocations", json, { dataframe_records: rows }),
    post("/invocations", json, { instances: lists }),
    post("/invocations", json, {
      inputs: Object.fromEntries(names.map((name, at) => [name, lists.map((list) => list[at])])),
    }),
    post("/invocations", csv, [names.join(), ...lines].join("\r\n")),
    post("/endpoints/churn/invocations", csv, lines.join("\n")),
    post("/endpoints/churn/invocations", json, { instances: lists.map((features) => ({ features })) }),
    { method: "GET", path: "/v1/predictions?limit=5&label=stay", headers: {}, body: new Uint8Array() },
    { method: "GET", path: "/v1/predictions/id-1", headers: {}, body: new Uint8Array() },
  ];
};

/** Values that clients send by mistake and attackers on purpose, as raw JSON. */
const fragments = [
  "NaN",
  "Infinity",
  "-Infinity",
  "-0",
  "1e400",
  "-1e400",
  "1e-400",
  "9007199254740993",
  "null",
  "true",
  '""',
  "[]",
  "{}",
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u0000"',
  "\0",
  "\ufeff",
  "\r",
  "\r\n",
  "\n",
  '"',
  '""',
  ",",
  ":",
  "[",
  "]",
  "{",
  "}",
  '"__proto__":',
  '"constructor":{"prototype":1},',
  '"rows":[],',
  '"inputs":',
  "__proto__",
  "constructor",
  "toString",
  "[".repeat(500),
  '{"a":'.repeat(500),
  "🦆",
  "%00",
  "'",
  "\\",
  "\\u",
  "+1",
  "0x10",
  "1_000",
  "99999999999999999999",
] as const;

type Change = { readonly at: number; readonly drop: number; readonly put: Uint8Array };
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  drop: fc.constantFrom(0, 0, 1, 1, 2, 4, 8, 40, 5_000),
  put: fc.oneof(
    fc.constantFrom(...fragments).map((text) => new Uint8Array(Buffer.from(text))),
    fc.uint8Array({ maxLength: 6 }),
  ),
});
const applyChange = (body: Uint8Array, { at, drop, put }: Change): Uint8Array => {
  const from = Math.floor(at * body.length);
  return Buffer.concat([body.subarray(0, from), put, body.subarray(from + drop)]);
};

/** Invalid values that replace another one in JSON. */
const unexpectedValue = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1e308,
    2 ** 53,
    "",
    "\ud800",
    "\0",
    "a".repeat(300),
    [],
    {},
    [null],
    [[]],
    [[[1]]],
  ),
  fc.constantFrom<unknown>(
    { constructor: 1 },
    { toString: null },
    { length: 1e9 },
    { features: [] },
    JSON.parse('{"__proto__":1}'),
  ),
  fc.jsonValue({ maxDepth: 1 }),
);
type Swap = { readonly way: readonly number[]; readonly name: string | undefined; readonly value: unknown };
const swap: fc.Arbitrary<Swap> = fc.record({
  way: fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { maxLength: 5 }),
  // With a name the value is added, instead of replacing one.
  name: fc.option(fc.constantFrom("extra", "rows", "data", "__proto__", "parameters", "outputs", "a/b~"), {
    nil: undefined,
  }),
  value: unexpectedValue,
});
/** The same JSON with the value at a path replaced, or one added next to it. */
const applySwap = (json: unknown, { way: [step, ...way], name, value }: Swap): unknown => {
  if (step === undefined && name === undefined) return value;
  if (typeof json !== "object" || json === null) return value;
  const entries = Object.entries(json);
  const at = Math.floor((step ?? 0) * entries.length);
  const changed =
    step === undefined
      ? [...entries, [name ?? "", value] as const]
      : entries.map(
          ([key, item], place) => [key, place === at ? applySwap(item, { way, name, value }) : item] as const,
        );
  return Array.isArray(json) ? changed.map(([, item]) => item) : Object.fromEntries(changed);
};

/** Any value that a header may carry. */
const headerValue = fc.oneof(
  fc.constantFrom(
    "",
    "gzip",
    "deflate",
    "identity",
    "br",
    "gzip, gzip",
    "0",
    "-1",
    "1e9",
    "0x10",
    "99999999999999999999",
    "NaN",
    "*/*",
    "text/csv",
    "application/json",
    "application/octet-stream",
    "application/json; charset=utf-16",
    "text/csv; charset=latin1; header=absent",
    "application/json;".repeat(200),
    "application/problem+json",
    "multipart/form-data; boundary=x",
    "q=1;;;,,,",
    '"*"',
    'W/"',
    "é",
    "__proto__",
    "a".repeat(5_000),
    "bytes=0-",
    "chunked",
    'application/json;charset="utf-8',
    "🦆".slice(0, 0),
  ),
  fc.string({ maxLength: 40 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, "").trim()),
);
const headerName = fc.constantFrom(
  "content-type",
  "content-encoding",
  "accept",
  "accept-encoding",
  "inference-header-content-length",
  "x-request-id",
  "content-length",
  "x-amzn-sagemaker-custom-attributes",
  "if-none-match",
  "range",
  "x-api-key",
  "authorization",
  "expect",
  "origin",
  "x-http-method-override",
  "constructor",
  "__proto__",
);
const path = fc.constantFrom(
  "/v1/predict",
  "/v1/predict/",
  "/v1/predict%2f",
  "//v1/predict",
  "/v1/model",
  "/v1/predictions",
  "/v1/predictions/%ff",
  "/v1/predictions/a%2fb",
  "/v1/predictions/%2e%2e%2f",
  "/v1/predictions?limit=-1",
  "/v1/predictions?limit=1e1",
  "/v1/predictions?cursor=%00",
  "/v1/predictions?limit=1&limit=2",
  "/v1/predictions?cursor=e30",
  `/v1/predictions?cursor=${"A".repeat(4_000)}`,
  "/v1/predictions?label=%ed%a0%80",
  "/v1/predictions?__proto__=1",
  "/v2",
  "/v2/",
  "/v2/health/ready",
  "/v2/models/churn",
  "/v2/models/churn/infer",
  "/v2/models/churn/versions/3/infer",
  "/v2/models/churn/versions/-1/infer",
  "/v2/models/%ff/infer",
  "/v2/models/churn%00/infer",
  "/v2/models/__proto__",
  "/invocations",
  "/ping",
  "/version",
  "/endpoints/churn/invocations",
  "/endpoints/%63hurn/invocations",
  "/endpoints/..%2fchurn/invocations",
  "/openapi.json",
  "/openapi.yaml",
  "/docs",
  "/docs/..%2f..%2fetc%2fpasswd",
  "/docs/%2e%2e",
  "/",
  "/%",
  "/%zz",
  `/${"a/".repeat(500)}`,
  "/health",
  "/ready",
  "/__proto__",
  "/constructor",
);

/** Valid requests with changed parts, and requests that are wrong in every part. */
export const hostileRequest = (valid: readonly ServiceRequest[]): fc.Arbitrary<ServiceRequest> => {
  const mutated = fc
    .record({
      request: fc.constantFrom(...valid),
      changes: fc.array(change, { minLength: 1, maxLength: 3 }),
      headers: fc.option(fc.dictionary(headerName, headerValue, { maxKeys: 1 }), { freq: 3 }),
    })
    .map(({ request, changes, headers }) => ({
      ...request,
      headers: { ...request.headers, ...headers },
      body: changes.reduce(applyChange, request.body),
    }));
  const isJsonPost = ({ headers, method }: ServiceRequest) =>
    method === "POST" && headers["content-type"] === "application/json";
  const misshapen = fc
    .record({
      request: fc.constantFrom(...valid.filter(isJsonPost)),
      swaps: fc.array(swap, { minLength: 1, maxLength: 2 }),
    })
    .map(({ request, swaps }) => ({
      ...request,
      body: Buffer.from(
        JSON.stringify(swaps.reduce(applySwap, JSON.parse(Buffer.from(request.body).toString("utf8")))) ?? "",
      ),
    }));
  const raw = fc.record({
    method: fc.constantFrom("POST", "POST", "POST", "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"),
    path,
    headers: fc.dictionary(headerName, headerValue, { maxKeys: 4 }),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.json({ maxDepth: 3 }).map((text) => new Uint8Array(Buffer.from(text))),
      fc
        .array(fc.constantFrom(...fragments), { maxLength: 12 })
        .map((parts) => new Uint8Array(Buffer.from(parts.join("")))),
      fc.constantFrom(...valid.map(({ body }) => body)),
    ),
  });
  return fc.oneof({ arbitrary: mutated, weight: 2 }, { arbitrary: misshapen, weight: 2 }, raw);
};
