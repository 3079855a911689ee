import * as z from "zod";
import { describeProblem, type ProblemKind } from "#inference/http/create-problem.ts";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { createSampleRow } from "#inference/model/load-model.ts";
import type { PredictResponse } from "#inference/native/predict-response.ts";
import { PredictionsQuery } from "#inference/records/parse-predictions-query.ts";
import { PredictionPage, PredictionRecord } from "#inference/records/records.ts";
import { describeOwner } from "#model-folder/manifest/describe-owner.ts";
import { Input, Manifest, NestedValues, Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { modelSchemas } from "./model-schemas.ts";

const schemaRoot = "#/components/schemas/";

/** Named schemas as components: wherever one contains another, it refers to it, so that clients have a type of its name. */
const toComponents = (schemas: Readonly<Record<string, z.ZodType>>): Readonly<Record<string, Schema>> => {
  const registry = z.registry<{ readonly id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const converted = z.toJSONSchema(registry, {
    target: "draft-2020-12",
    // A row describes itself.
    unrepresentable: "any",
    uri: (id) => `${schemaRoot}${id}`,
  });
  return Object.fromEntries(
    Object.entries(converted.schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]),
  );
};

const Description = z.object({
  name: z.string(),
  task: z.enum(Manifest.options.map(({ shape }) => shape.task.value)),
  description: z.string().optional(),
  owner: z.string(),
  inputs: z.array(Input),
  output: z.record(z.string(), z.unknown()),
  version: z.int(),
  digest: z.string(),
  environment: z.enum(["stage", "prod"]),
  engine: z
    .enum(["compiled", "onnxruntime"])
    .describe(
      "what predicts: the compiled model, or onnxruntime. A compiled model of sums (linear models) leaves large requests, and rows too close to call, to onnxruntime",
    ),
  engineReason: z.string().optional().describe("why the model is not compiled; only with onnxruntime"),
});

/** The model and version that a document describes. */
export type OpenapiSubject = {
  readonly model: { readonly manifest: Manifest };
  readonly identity: { readonly version: number };
};

/** What a request and its response look like. */
export type OpenapiExample = {
  readonly row: Row;
  /** The model's predictions for this row; absent if it could not predict it. */
  readonly predictions?: readonly Prediction[] | undefined;
};

type Schema = Readonly<Record<string, unknown>>;
type MediaType = {
  readonly schema: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>;
};
type Content = Readonly<Record<string, MediaType>>;
type Parameter = {
  readonly name: string;
  readonly in: "header" | "query" | "path";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: unknown;
};
export type OpenapiOperation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly headers?: Readonly<
          Record<string, { readonly description: string; readonly schema: Schema }>
        >;
        readonly content?: Content;
      }
    >
  >;
};

const jsonContent = (name: string, example?: unknown): Content => ({
  "application/json": {
    schema: { $ref: `#/components/schemas/${name}` },
    ...(example === undefined ? {} : { example }),
  },
});
const csvContent = (description: string): Content => ({
  "text/csv": { schema: { type: "string", description } },
});
/** The body of a model whose only input is an image may be the image itself. */
const imageContent = ({ inputs }: Pick<Manifest, "inputs">): Content =>
  inputs.length === 1 && inputs[0]?.type === "image"
    ? { "image/jpeg": { schema: {} }, "image/png": { schema: {} } }
    : {};

/** Kinds that every request with a key may get: before the route is reached, or by its failure. */
const sharedKinds = [
  "broken-request",
  "cross-site",
  "wrong-host",
  "prediction-failed",
] as const satisfies readonly ProblemKind[];
const keyKinds = [
  "unauthorized",
  "forbidden",
  "too-many-requests",
  "keys-unavailable",
] as const satisfies readonly ProblemKind[];

/** Seconds to wait come with 429 and 503. */
const retryHeader = {
  "retry-after": { description: "Seconds until the next attempt", schema: { type: "integer" } },
};

/**
 * Statuses of AWS's API Gateway itself: a refused key, a body over its limit, throttling, an error of the authorizer, a
 * function that does not respond. Its body has only a message.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
 */
const gatewayStatuses: ReadonlySet<string> = new Set(["401", "403", "413", "429", "500", "503"]);

/** One response for each status; its examples are the problems that have it. */
const problemResponses = (...kinds: readonly ProblemKind[]): OpenapiOperation["responses"] => {
  const byStatus = Object.groupBy(kinds.map(describeProblem), ({ status }) => status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, problems = []]) => [
      status,
      {
        description: problems.map(({ title }) => title).join("; "),
        ...(status === "429" || status === "503" ? { headers: retryHeader } : {}),
        content: {
          "application/problem+json": {
            schema: { $ref: "#/components/schemas/Problem" },
            examples: Object.fromEntries(
              problems.map(({ kind, type, title, status }) => [
                kind,
                { summary: title, value: { type, title, status, detail: "What happened, and what to do." } },
              ]),
            ),
          },
          ...(gatewayStatuses.has(status) ? jsonContent("GatewayError") : {}),
        },
      },
    ]),
  );
};

/** A gateway responds in the function's place when the function ended; API Gateway's body has only a message. */
const gatewayResponse: OpenapiOperation["responses"] = {
  "502": {
    description: "From the gateway: the function ended before it responded. Try again.",
    content: jsonContent("GatewayError"),
  },
};

const requestIdParameter: Parameter = {
  name: "x-request-id",
  in: "header",
  description: "1 to 128 printable characters; the response returns it",
  schema: { type: "string" },
};

const predictionHeaders = {
  "x-request-id": { description: "The caller's id of the request, or a new one", schema: { type: "string" } },
  "x-prediction-id": { description: "The id of the predictions", schema: { type: "string" } },
  "x-storage-warning": {
    description: "The predictions are valid, but their record could not be stored",
    schema: { type: "string", enum: ["write_failed"] },
  },
};

const listQueryParameters = (): readonly Parameter[] =>
  Object.entries(z.toJSONSchema(PredictionsQuery).properties ?? {}).map(([name, schema]) => {
    const { description, ...rest }: { description?: string } = typeof schema === "object" ? schema : {};
    return { name, in: "query", ...(description === undefined ? {} : { description }), schema: rest };
  });

/** A response as the service gives it; id, latency and time are invented. */
const createExampleResponse = (
  { name }: Pick<Manifest, "name">,
  version: number,
  predictions: readonly Prediction[],
): PredictResponse => ({
  id: "0199c5d4-7a20-7000-8000-000000000000",
  model: name,
  version,
  predictions: [...predictions],
  latencyMs: 1.25,
  createdAt: "2026-01-01T00:00:00.000Z",
});

const predictOperation = (
  manifest: Manifest,
  version: number,
  { row, predictions }: OpenapiExample,
): OpenapiOperation => ({
  operationId: "predict",
  tags: ["predictions"],
  summary: "Predict each row",
  parameters: [requestIdParameter],
  requestBody: {
    required: true,
    content: {
      ...jsonContent("PredictRequest", { rows: [row] }),
      ...csvContent("A header with the inputs' names in any order, then a line for each row"),
      ...imageContent(manifest),
    },
  },
  responses: {
    "200": {
      description: "One prediction for each row, in order",
      headers: predictionHeaders,
      content: {
        ...jsonContent(
          "PredictResponse",
          predictions && createExampleResponse(manifest, version, predictions),
        ),
        ...csvContent("If the request's Accept header starts with text/csv"),
      },
    },
    ...problemResponses(
      ...sharedKinds,
      ...keyKinds,
      "broken-json",
      "duplicate-key",
      "broken-csv",
      "broken-encoding",
      "too-large",
      "answer-too-large",
      "wrong-content-type",
      "rows-invalid",
      "output-not-finite",
      "not-ready",
      "queue-full",
      "overloaded",
      "model-busy",
      "deadline-exceeded",
      "run-stopped",
    ),
    ...gatewayResponse,
  },
});

const recordOperations = (): Readonly<Record<string, { readonly get: OpenapiOperation }>> => ({
  "/v1/predictions": {
    get: {
      operationId: "listPredictions",
      tags: ["predictions"],
      summary: "Recorded predictions, newest first",
      parameters: [...listQueryParameters(), requestIdParameter],
      responses: {
        "200": { description: "One page", content: jsonContent("PredictionPage") },
        ...problemResponses(
          ...sharedKinds,
          ...keyKinds,
          "query-invalid",
          "not-found",
          "answer-too-large",
          "records-unavailable",
        ),
        ...gatewayResponse,
      },
    },
  },
  "/v1/predictions/{id}": {
    get: {
      operationId: "getPrediction",
      tags: ["predictions"],
      summary: "One recorded prediction",
      parameters: [
        {
          name: "id",
          in: "path",
          required: true,
          description: "<request id>.<index of the row in its request>",
          schema: { type: "string" },
        },
        requestIdParameter,
      ],
      responses: {
        "200": { description: "The recorded prediction", content: jsonContent("PredictionRecord") },
        ...problemResponses(
          ...sharedKinds,
          ...keyKinds,
          "not-found",
          "prediction-not-found",
          "answer-too-large",
          "records-unavailable",
        ),
        ...gatewayResponse,
      },
    },
  },
});

const modelOperations = (): Readonly<Record<string, { readonly get: OpenapiOperation }>> => ({
  "/v1/model": {
    get: {
      operationId: "getModel",
      tags: ["model"],
      summary: "The model's contract and the served version",
      parameters: [requestIdParameter],
      responses: {
        "200": {
          description: "The model; cache it until its ETag changes",
          headers: { etag: { description: "Send it as If-None-Match", schema: { type: "string" } } },
          content: jsonContent("ModelMetadata"),
        },
        "304": { description: "Not modified: the ETag in If-None-Match is current" },
        ...problemResponses(...sharedKinds, ...keyKinds),
        ...gatewayResponse,
      },
    },
  },
  "/health": {
    get: {
      operationId: "getHealth",
      tags: ["health"],
      summary: "The process is running",
      security: [],
      responses: {
        "200": { description: "It is running", content: jsonContent("HealthStatus") },
        ...problemResponses("broken-request", "cross-site", "prediction-failed"),
        ...gatewayResponse,
      },
    },
  },
  "/ready": {
    get: {
      operationId: "getReady",
      tags: ["health"],
      summary: "The model can predict",
      security: [],
      responses: {
        "200": { description: "It can", content: jsonContent("HealthStatus") },
        ...problemResponses("broken-request", "cross-site", "prediction-failed", "not-ready"),
        ...gatewayResponse,
      },
    },
  },
});

const describeManifest = (manifest: Manifest): string =>
  manifest.description ??
  `${manifest.task} by the model ${manifest.name}. Owner: ${describeOwner(manifest.owner)}. Limits per request: 10,000 rows and 6 MB.`;

/**
 * The OpenAPI 3.1 document of the native API, from the schemas that the service itself uses.
 * @param example absent: a row of the lowest values, without a response
 */
export const openapiDocument = (
  { model: { manifest }, identity }: OpenapiSubject,
  example: OpenapiExample = { row: createSampleRow(manifest) },
) => {
  const { row, prediction, request, response } = modelSchemas(manifest);
  const paths: Readonly<
    Record<string, { readonly get?: OpenapiOperation; readonly post?: OpenapiOperation }>
  > = {
    "/v1/predict": { post: predictOperation(manifest, identity.version, example) },
    ...recordOperations(),
    ...modelOperations(),
  };
  return {
    openapi: "3.1.1",
    info: {
      title: `${manifest.name}, version ${identity.version}`,
      version: String(identity.version),
      description: describeManifest(manifest),
    },
    // Relative to this document, because a gateway gives each model its own path.
    servers: [{ url: "." }],
    // The HTTP API and `slipway serve --keys` require a key; without keys, none is needed.
    security: [{ apiKey: [] }, {}],
    tags: [
      { name: "predictions", description: "Predict, and read what was predicted" },
      { name: "model", description: "The model that is served" },
      { name: "health", description: "For platforms that probe the service; no key is needed" },
    ],
    paths,
    components: {
      schemas: toComponents({
        PredictRequest: request,
        Row: row,
        PredictResponse: response,
        Prediction: prediction,
        ModelMetadata: Description,
        ModelInput: Input,
        PredictionPage,
        PredictionRecord,
        // Records may be of versions with other inputs and outputs.
        RecordedRow: Row,
        RecordedPrediction: Prediction,
        NestedValues,
        HealthStatus: z.object({ status: z.enum(["alive", "ready"]) }),
        Problem: HttpProblem,
        GatewayError: z
          .object({ message: z.string().optional() })
          .describe("The body of a response of AWS's API Gateway itself, in place of a problem"),
      }),
      securitySchemes: { apiKey: { type: "apiKey", in: "header", name: "x-api-key" } },
    },
  };
};
export type OpenapiDocument = ReturnType<typeof openapiDocument>;
