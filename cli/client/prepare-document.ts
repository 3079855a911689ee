import * as z from "zod";
import type { ClientLanguage } from "./open-generator.ts";

const Content = z.record(z.string(), z.unknown());
const WithContent = z.looseObject({ content: Content.optional() });
const Operation = z.looseObject({
  operationId: z.string(),
  requestBody: WithContent.optional(),
  responses: z.record(z.string(), WithContent),
});

/** The parts of an OpenAPI document that a client is written from. */
export const ClientDocument = z.looseObject({
  openapi: z.string().regex(/^3\.1\./),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});
export type ClientDocument = z.infer<typeof ClientDocument>;

/** JSON only: a typed client has no use for CSV, and openapi-python-client drops an operation with a body that it does not know. */
const keepJson = <Part extends z.infer<typeof WithContent>>(part: Part): Part =>
  part.content
    ? {
        ...part,
        content: Object.fromEntries(
          Object.entries(part.content).filter(([type]) => /^application\/(.+\+)?json$/.test(type)),
        ),
      }
    : part;

const WithSchema = z.looseObject({ schema: z.unknown() });

/**
 * One body of either schema: openapi-python-client reads only the first of several media types, and would fail on a body of
 * the second.
 */
const joinJson = <Part extends z.infer<typeof WithContent>>(part: Part): Part => {
  const bodies = Object.values(part.content ?? {}).map((body) => WithSchema.parse(body));
  return bodies.length < 2
    ? part
    : { ...part, content: { "application/json": { schema: { anyOf: bodies.map(({ schema }) => schema) } } } };
};

/** openapi-python-client knows no schema that contains itself: nested arrays become any value. */
const loosenRecursion = (
  schemas: ClientDocument["components"]["schemas"],
  language: ClientLanguage,
): ClientDocument["components"]["schemas"] =>
  language === "python" && "NestedValues" in schemas
    ? { ...schemas, NestedValues: { description: "A number, boolean or text, or nested arrays of them" } }
    : schemas;

/** A document that the generator of this language understands completely. */
export const prepareDocument = (document: ClientDocument, language: ClientLanguage): ClientDocument => ({
  ...document,
  paths: Object.fromEntries(
    Object.entries(document.paths).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations).map(([method, operation]) => [
          method,
          {
            ...operation,
            ...(operation.requestBody ? { requestBody: keepJson(operation.requestBody) } : {}),
            responses: Object.fromEntries(
              Object.entries(operation.responses).map(([status, response]) => [
                status,
                joinJson(keepJson(response)),
              ]),
            ),
          },
        ]),
      ),
    ]),
  ),
  components: {
    ...document.components,
    schemas: loosenRecursion(document.components.schemas, language),
  },
});
