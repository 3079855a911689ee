import type { Admission } from "#api-keys/admission.ts";
import { createApp } from "#inference/app.ts";
import { requireApiKey } from "#inference/authorization/require-api-key.ts";
import type { Middleware } from "#inference/http/app.ts";
import { checkHost } from "#inference/http/check-host.ts";
import { createRecords } from "#inference/records/create-records.ts";
import { createService } from "#inference/service.ts";
import { authorizeKey } from "#lambdas/authorize-key/authorize-key.ts";
import { predict } from "#lambdas/predict/predict.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { memoryBlobs } from "#test/support/memory-blobs.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { buildBinaryRequest, buildJsonRequest } from "#test/support/oip/infer-request.ts";
import { rowsToTensors } from "#test/support/oip/rows-to-tensors.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createChurnService } from "#test/support/onnx/churn-service.ts";
import { describeForm, type Form, literal } from "./describe-form.ts";
import { withoutTexts } from "./events.ts";

const rows: readonly Record<string, string | number | boolean | null>[] = readChurnGolden().rows.slice(0, 2);
const [row = {}] = rows;
const columns = Object.keys(row);
const lines = rows.map((each) => Object.values(each).join(","));
const withHeader = [columns.join(","), ...lines].join("\n");
const wrongValues = { ...row, tenure: -1, contract: "Weekly" };
const wrongRow = Object.values(wrongValues).join(",");

/** The model churn with records, as version 3 on prod, with fixed clocks. */
const openService = async () => {
  const { model, identity } = await createChurnService();
  const { store, time, clock } = memoryStore();
  time.now = Date.UTC(2026, 10, 21, 12);
  let ids = 0;
  const needs = {
    model,
    identity,
    now: clock,
    tick: () => 0,
    newId: () => `id-${++ids}`,
    report: () => undefined,
    log: () => undefined,
  };
  const { log } = needs;
  const keep = createRecords({ identity, manifest: model.manifest, hashKey: undefined, clock, log });
  const records = keep({ store, blobs: memoryBlobs() });
  const service = createService({ ...needs, records });
  return { needs, service, app: createAppClient(createApp(service)), release: () => model.release() };
};
type TestService = Awaited<ReturnType<typeof openService>>;

const post = (body: string | Uint8Array, type: string | undefined, headers: Record<string, string> = {}) => ({
  method: "POST",
  body: typeof body === "string" ? body : new Uint8Array(body),
  headers: { ...(type === undefined ? {} : { "content-type": type }), ...headers },
});
const json = (body: unknown, headers: Record<string, string> = {}) =>
  post(JSON.stringify(body), "application/json", headers);
const csv = (body: string, headers: Record<string, string> = {}) => post(body, "text/csv", headers);

/** Requests in all protocols, with typical errors: a name, the path, and the rest. */
const requestsTo = ({ service }: TestService): readonly (readonly [string, string, RequestInit?])[] => {
  const { inputs } = service.model.manifest;
  const tensors = (as: "json" | "binary") => rowsToTensors(inputs, rows, as);
  const infer = "/v2/models/churn/infer";
  const endpoint = "/endpoints/churn/invocations";
  return [
    ["health", "/health"],
    ["ready", "/ready"],
    ["model", "/v1/model"],
    ["docs: the document", "/openapi.json"],
    ["docs: the page", "/docs"],
    ["docs: a script of the page", "/docs/start.js"],
    ["docs: a file that is not there", "/docs/other.js"],
    ["native: JSON", "/v1/predict", json({ rows })],
    ["native: JSON, with an id of the caller's", "/v1/predict", json({ rows }, { "x-request-id": "mine" })],
    ["native: JSON, answered as CSV", "/v1/predict", json({ rows }, { accept: "text/csv" })],
    ["native: CSV", "/v1/predict", csv(withHeader)],
    [
      "native: a long answer, packed",
      "/v1/predict",
      json({ rows: Array(20).fill(row) }, { "accept-encoding": "gzip" }),
    ],
    ["native: no JSON", "/v1/predict", post("{", "application/json")],
    ["native: a key twice", "/v1/predict", post('{"rows":[],"rows":[]}', "application/json")],
    ["native: no CSV", "/v1/predict", csv(`${columns.join(",")}\n"`)],
    ["native: bytes that cannot be read", "/v1/predict", json({ rows }, { "content-encoding": "gzip" })],
    ["native: no rows", "/v1/predict", json({ rows: [] })],
    ["native: another field", "/v1/predict", json({ rows, more: 1 })],
    ["native: wrong values", "/v1/predict", json({ rows: [row, wrongValues] })],
    ["native: wrong values in CSV", "/v1/predict", csv(`${columns.join(",")}\n${wrongRow}`)],
    ["native: another type of body", "/v1/predict", post("<rows/>", "application/xml")],
    ["native: no type of body", "/v1/predict", post(JSON.stringify({ rows }), undefined)],
    ["native: too large", "/v1/predict", post(new Uint8Array(7_000_000).fill(32), "application/json")],
    ["native: another method", "/v1/predict", { method: "PUT" }],
    ["an address that is not there", "/v1/other"],
    ["another site's page", "/v1/predict", json({ rows }, { origin: "https://other.example.com" })],
    ["records: a page", "/v1/predictions?limit=1"],
    ["records: of a label", "/v1/predictions?label=stay"],
    ["records: one that is not there", "/v1/predictions/none.0"],
    ["records: a wrong limit", "/v1/predictions?limit=0"],
    ["records: a wrong cursor", "/v1/predictions?cursor=none"],
    ["oip: server", "/v2"],
    ["oip: live", "/v2/health/live"],
    ["oip: ready", "/v2/health/ready"],
    ["oip: model", "/v2/models/churn"],
    ["oip: model of a version", "/v2/models/churn/versions/3"],
    ["oip: model ready", "/v2/models/churn/ready"],
    ["oip: another model", "/v2/models/other"],
    ["oip: JSON", infer, buildJsonRequest({ inputs: tensors("json") })],
    ["oip: JSON, with an id", infer, buildJsonRequest({ inputs: tensors("json"), more: { id: "mine" } })],
    [
      "oip: JSON, classified",
      infer,
      buildJsonRequest({
        inputs: tensors("json"),
        more: { outputs: [{ name: "scores", parameters: { classification: 2 } }] },
      }),
    ],
    [
      "oip: binary",
      infer,
      buildBinaryRequest({ inputs: tensors("binary"), more: { parameters: { binary_data_output: true } } }),
    ],
    ["oip: no JSON", infer, post("{", "application/json")],
    ["oip: a tensor that is missing", infer, buildJsonRequest({ inputs: tensors("json").slice(1) })],
    ["oip: another method", infer],
    ["oip: refused as a problem", "/v2/models/other", { headers: { accept: "application/problem+json" } }],
    ["mlflow: ping", "/ping"],
    ["mlflow: version", "/version"],
    [
      "mlflow: dataframe_split",
      "/invocations",
      json({ dataframe_split: { columns, data: rows.map((each) => Object.values(each)) } }),
    ],
    ["mlflow: dataframe_records", "/invocations", json({ dataframe_records: rows })],
    ["mlflow: CSV", "/invocations", csv(withHeader)],
    ["mlflow: no JSON", "/invocations", post("{", "application/json")],
    ["mlflow: wrong values", "/invocations", json({ dataframe_records: [wrongValues] })],
    ["mlflow: another type of body", "/invocations", post("<rows/>", "application/xml")],
    [
      "sagemaker: JSON",
      endpoint,
      json({ instances: rows.map((each) => ({ features: Object.values(each) })) }),
    ],
    ["sagemaker: CSV", endpoint, csv(lines.join("\n"), { accept: "text/csv" })],
    ["sagemaker: wrong values", endpoint, csv(wrongRow)],
    ["sagemaker: another type of body", endpoint, post("<rows/>", "application/xml")],
    ["sagemaker: another endpoint", "/endpoints/other/invocations", csv(lines.join("\n"))],
  ];
};

/** Fields whose texts clients compare with, by the end of their path. */
const names =
  /(^|\.)(type|errors\[\]\.pointer|error_code|datatype|task|environment|platform|versions\[\]|extensions\[\]|name|status)$/;
const options = {
  text: (path: string, text: string) => (names.test(path) ? literal(text) : undefined),
};

const cellForm = (cell: string): string => (Number.isFinite(Number(cell)) ? "number" : "text");

/** The first line is a header if the type says so. */
const csvForm = (text: string, type: string): Form => {
  const [first = "", ...others] = text.trim().split(/\r?\n/);
  const rowForm = (line: string) => line.split(",").map(cellForm).join(", ");
  const hasHeader = type.includes("header=present");
  const lines = hasHeader ? others : [first, ...others];
  return { ...(hasHeader ? { header: first } : {}), lines: [...new Set(lines.map(rowForm))] };
};

const bodyForm = (bytes: Uint8Array, type: string, headers: Headers): Form => {
  const jsonLength = Number(headers.get("inference-header-content-length") ?? bytes.length);
  const text = new TextDecoder().decode(bytes.slice(0, jsonLength));
  if (text === "") return "nothing";
  if (headers.get("content-encoding") === "gzip") return "gzip";
  const tail: Record<string, Form> =
    bytes.length > jsonLength ? { "then bytes": String(bytes.length - jsonLength) } : {};
  if (/json|octet-stream/.test(type)) return { json: describeForm([JSON.parse(text)], options), ...tail };
  return type.startsWith("text/csv") ? csvForm(text, type) : "text";
};

/** Headers of every response. */
const everyResponse = [
  "content-security-policy",
  "cross-origin-opener-policy",
  "cross-origin-resource-policy",
  "referrer-policy",
  "x-content-type-options",
  "x-request-id",
];
/** Headers whose values clients compare with. */
const valueHeaders = ["allow", "x-amzn-errortype"];

const headersForm = (headers: Headers): Form => {
  const present = [...headers.keys()].filter((name) => name !== "content-type");
  const missing = everyResponse.filter((name) => !present.includes(name)).map((name) => `without ${name}`);
  const others = present.filter((name) => !everyResponse.includes(name));
  const forms = others.map((name) => (valueHeaders.includes(name) ? `${name}: ${headers.get(name)}` : name));
  return [...forms, ...missing].sort();
};

const responseForm = async (response: Response): Promise<Readonly<Record<string, Form>>> => {
  const { headers, status } = response;
  const type = headers.get("content-type") ?? "";
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isDocument =
    type.startsWith("application/json") && new TextDecoder().decode(bytes).includes('"openapi":');
  return {
    status: String(status),
    "content type": type,
    "further headers": headersForm(headers),
    body: isDocument ? "the OpenAPI document" : bodyForm(bytes, type, headers),
  };
};

const responses = async (testService: TestService): Promise<Form> => {
  const forms: Record<string, Form> = {};
  // One after another, as records come after predictions.
  for (const [name, path, init] of requestsTo(testService)) {
    const { method = "GET" } = init ?? {};
    forms[name] = {
      request: `${method} ${path}`,
      ...(await responseForm(await testService.app.request(path, init))),
    };
  }
  const tag = (await testService.app.request("/v1/model")).headers.get("etag") ?? "";
  const same = await testService.app.request("/v1/model", { headers: { "if-none-match": tag } });
  const page = (await (await testService.app.request("/v1/predictions?limit=1")).json()) as {
    items: { id: string }[];
  };
  const one = await testService.app.request(`/v1/predictions/${page.items[0]?.id}`);
  return {
    ...forms,
    "model, which the caller has": { request: "GET /v1/model", ...(await responseForm(same)) },
    "records: one": { request: "GET /v1/predictions/<id>", ...(await responseForm(one)) },
    "every response": { headers: everyResponse },
  };
};

const rate = { perMinute: 60, burst: 60 };
const admissions: Readonly<Record<string, Admission | Error>> = {
  "a valid key": { status: "admitted", keyId: "k1", quota: { rate, remaining: 59 } },
  "no valid key": { status: "refused", httpStatus: 401 },
  "a key of other models": { status: "refused", httpStatus: 403 },
  "a key over its rate": { status: "throttled", keyId: "k1", quota: { rate, remaining: 0 }, retryAfter: 9 },
  "keys that cannot be checked": new Error("the store is down"),
};

/** Responses where API keys and host names are checked, and those of the authorizer on AWS. */
const gates = async ({ service }: TestService): Promise<Form> => {
  const forms: Record<string, Form> = {};
  const send = async (gate: Middleware, path: string, init: RequestInit): Promise<Form> =>
    responseForm(await createAppClient(createApp(service, gate)).request(path, init));
  for (const [name, admission] of Object.entries(admissions)) {
    const admit = async () => {
      if (admission instanceof Error) throw admission;
      return admission;
    };
    const gate = requireApiKey({ admit, model: "churn", warn: () => undefined });
    const authorizer = await authorizeKey({ admit })({
      version: "2.0",
      type: "REQUEST",
      routeKey: "ANY /models/churn/{proxy+}",
      headers: { "x-api-key": "slw_1" },
    }).then(
      (output) => describeForm([output]),
      (error: unknown) => (error instanceof Error ? `fails as ${error.name}` : "fails"),
    );
    forms[name] = {
      native: await send(gate, "/v1/predict", json({ rows })),
      oip: await send(gate, "/v2", {}),
      "the authorizer": authorizer,
    };
  }
  return {
    ...forms,
    "another host": await send(checkHost([]), "/v1/predict", json({ rows }, { host: "other.example.com" })),
  };
};

/** Responses of the inference function to direct invocations and to API Gateway. */
const functionResponses = async ({ needs }: TestService): Promise<Form> => {
  const invoke = predict(needs);
  const event = (method: string, path: string, body?: string) => ({
    version: "2.0",
    routeKey: "ANY /models/churn/{proxy+}",
    rawPath: path,
    rawQueryString: "",
    headers: { "content-type": "application/json", host: "api.example.com" },
    requestContext: { http: { method, path } },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded: false,
  });
  const forms: Record<string, Form> = {};
  for (const [name, payload] of Object.entries({
    "invoked with rows": { rows },
    "invoked with wrong values": { rows: [wrongValues] },
    "by API Gateway": event("POST", "/models/churn/v1/predict", JSON.stringify({ rows })),
    "by API Gateway, refused": event(
      "POST",
      "/models/churn/v1/predict",
      JSON.stringify({ rows: [wrongValues] }),
    ),
    "by API Gateway, without the model's address": event("GET", "/v1/model"),
  }))
    forms[name] = describeForm([await invoke(payload)], options);
  return forms;
};

/** The OpenAPI document and the responses of the inference service. */
export const httpForms = async () => {
  const testService = await openService();
  try {
    const document: unknown = await (await testService.app.request("/openapi.json")).json();
    return {
      openapi: withoutTexts(document),
      "http-responses": await responses(testService),
      "http-gates": await gates(testService),
      "function-responses": await functionResponses(testService),
    };
  } finally {
    await testService.release();
  }
};
