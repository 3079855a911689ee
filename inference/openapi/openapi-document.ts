import * as z from "zod";
import { describeProblems } from "#inference/http/create-problem.ts";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { createSampleRow } from "#inference/model/load-model.ts";
import { PredictionsQuery } from "#inference/records/parse-predictions-query.ts";
import { PredictionPage, PredictionRecord } from "#inference/records/records.ts";
import type { Service } from "#inference/service.ts";
import { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import { modelSchemas } from "./model-schemas.ts";

const toJsonSchema = (schema: z.ZodType, io: "input" | "output" = "output") => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io,
    // A row describes itself.
    unrepresentable: "any",
  });
  return rest;
};

/** The schema of a component. References to its own definitions (nested arrays) lead from the document's root. */
const toComponent = (name: string, schema: z.ZodType, io?: "input"): ReturnType<typeof toJsonSchema> =>
  JSON.parse(JSON.stringify(toJsonSchema(schema, io)), (key, value: unknown) =>
    key === "$ref" && typeof value === "string" ? value.replace(/^#/, `#/components/schemas/${name}`) : value,
  );

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
});

const jsonContent = (name: string) => ({
  "application/json": { schema: { $ref: `#/components/schemas/${name}` } },
});
const csvContent = (description: string) => ({ "text/csv": { schema: { type: "string", description } } });
/** The body of a model whose only input is an image may be the image itself. */
const imageContent = ({ inputs }: Pick<Manifest, "inputs">) =>
  inputs.length === 1 && inputs[0]?.type === "image"
    ? { "image/jpeg": { schema: {} }, "image/png": { schema: {} } }
    : {};
const problemResponses = (...kinds: Parameters<typeof describeProblems>) =>
  Object.fromEntries(
    describeProblems(...kinds).map(({ status, title }) => [
      String(status),
      {
        description: title,
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    ]),
  );
const requestIdParameter = {
  name: "x-request-id",
  in: "header",
  description: "1 to 128 printable characters; the response returns it",
  schema: { type: "string" },
};

/** The OpenAPI 3.1 document of the native API, from the schemas that the service itself uses. */
export const openapiDocument = ({ model: { manifest }, identity }: Pick<Service, "model" | "identity">) => {
  const { request, response } = modelSchemas(manifest);
  return {
    openapi: "3.1.1",
    info: {
      title: `${manifest.name}, version ${identity.version}`,
      version: String(identity.version),
      description:
        manifest.description ??
        `${manifest.task} by the model ${manifest.name}. Owner: ${manifest.owner}. Limits per request: 10,000 rows and 6 MB.`,
    },
    // Relative to this document, because a gateway gives each model its own path.
    servers: [{ url: "." }],
    // The HTTP API and `slipway serve --keys` require a key; without keys, none is needed.
    security: [{ apiKey: [] }, {}],
    paths: {
      "/v1/predict": {
        post: {
          operationId: "predict",
          summary: "Predict each row",
          parameters: [requestIdParameter],
          requestBody: {
            required: true,
            content: {
              "application/json": {
                schema: { $ref: "#/components/schemas/Question" },
                example: { rows: [createSampleRow(manifest)] },
              },
              ...csvContent("A header with the inputs' names in any order, then a line for each row"),
              ...imageContent(manifest),
            },
          },
          responses: {
            "200": {
              description: "One prediction for each row, in order",
              content: {
                ...jsonContent("Answer"),
                ...csvContent("If the request's Accept header starts with text/csv"),
              },
            },
            ...problemResponses(
              "broken-json",
              "too-large",
              "overloaded",
              "wrong-content-type",
              "rows-invalid",
              "prediction-failed",
              "model-busy",
              "run-stopped",
            ),
          },
        },
      },
      "/v1/predictions": {
        get: {
          operationId: "predictions",
          summary: "Recorded predictions, newest first",
          parameters: Object.entries(toJsonSchema(PredictionsQuery, "input").properties ?? {}).map(
            ([name, described]) => ({ name, in: "query", schema: described }),
          ),
          responses: {
            "200": { description: "One page", content: jsonContent("Page") },
            ...problemResponses("query-invalid", "not-found", "records-unavailable"),
          },
        },
      },
      "/v1/predictions/{id}": {
        get: {
          operationId: "prediction",
          summary: "One recorded prediction",
          parameters: [
            {
              name: "id",
              in: "path",
              required: true,
              description: "<request id>.<index of the row in its request>",
              schema: { type: "string" },
            },
          ],
          responses: {
            "200": { description: "The recorded prediction", content: jsonContent("Record") },
            ...problemResponses("prediction-not-found", "records-unavailable"),
          },
        },
      },
      "/v1/model": {
        get: {
          operationId: "model",
          summary: "The model's contract and the served version",
          responses: {
            "200": {
              description: "The model; cache it until its ETag changes",
              content: jsonContent("Model"),
            },
            "304": { description: "Not modified: the ETag in If-None-Match is current" },
          },
        },
      },
      "/health": {
        get: {
          operationId: "health",
          summary: "The process is running",
          responses: { "200": { description: "It is running" } },
        },
      },
      "/ready": {
        get: {
          operationId: "ready",
          summary: "The model can predict",
          responses: { "200": { description: "It can" }, ...problemResponses("not-ready") },
        },
      },
    },
    components: {
      schemas: {
        Question: toComponent("Question", request, "input"),
        Answer: toComponent("Answer", response),
        Model: toComponent("Model", Description),
        Page: toComponent("Page", PredictionPage),
        Record: toComponent("Record", PredictionRecord),
        Problem: toComponent("Problem", HttpProblem),
      },
      securitySchemes: { apiKey: { type: "apiKey", in: "header", name: "x-api-key" } },
    },
  };
};
