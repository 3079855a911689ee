import { html, raw } from "hono/html";
import * as z from "zod";
import { Row } from "#model-folder/manifest/manifest.ts";
import { createCodeSamples } from "./code-samples.ts";
import { docsScript, placeholderUrl } from "./docs-script.ts";
import { docsStyle } from "./docs-style.ts";
import type { OpenapiDocument, OpenapiOperation } from "./openapi-document.ts";

type Html = ReturnType<typeof html>;

/** A policy that allows only resources with this response's nonce, and connections only to this service. */
export const docsPolicy = (nonce: string): string =>
  `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Creates a CSP nonce of 128 random bits. */
export const createNonce = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");

const PredictExample = z.object({ rows: z.array(Row).min(1) });
/** Keywords of JSON Schema that describe a value to a reader. */
const Property = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  description: z.string().optional(),
});
const RequestSchema = z.looseObject({
  properties: z.looseObject({
    rows: z.looseObject({ maxItems: z.number().optional() }),
  }),
});
const RowSchema = z.looseObject({
  // z.record would drop an input that is named __proto__.
  properties: z.custom<object>((value) => typeof value === "object" && value !== null),
  required: z.array(z.string()).optional(),
});

const count = new Intl.NumberFormat("en-GB");
const formatJson = (value: unknown): string => JSON.stringify(value, undefined, 2);

/** The type and limits of a value, in a few words; the schema has the rest. */
const describeSchema = (schema: unknown): string => {
  const { type, enum: values, minimum, maximum, maxLength, anyOf } = Property.parse(schema);
  if (values) return values.map((value) => JSON.stringify(value)).join(", ");
  if (Array.isArray(anyOf)) return anyOf.map(describeSchema).join(" or ");
  const range =
    minimum === undefined && maximum === undefined ? "" : `, ${minimum ?? ""} to ${maximum ?? ""}`;
  const length = maxLength === undefined ? "" : `, at most ${maxLength} characters`;
  return `${[type ?? "any"].flat().join(" or ")}${range}${length}`;
};

const renderCode = (code: string, id?: string): Html =>
  html`<pre${id === undefined ? "" : html` id="${id}"`}><code>${code}</code></pre>`;

const renderInputs = ({ components }: OpenapiDocument): Html => {
  const { rows } = RequestSchema.parse(components.schemas.PredictRequest).properties;
  const row = RowSchema.parse(components.schemas.Row);
  const required = new Set(row.required);
  return html`<table class="inputs">
<caption>Each row is an object with these keys${rows.maxItems === undefined ? "" : `; at most ${count.format(rows.maxItems)} rows`}</caption>
<thead><tr><th scope="col">input</th><th scope="col">value</th><th scope="col">may be missing</th></tr></thead>
<tbody>${Object.entries(row.properties).map(
    ([name, schema]) =>
      html`<tr><th scope="row"><code>${name}</code></th><td>${describeSchema(schema)}</td><td>${required.has(name) ? "no" : "yes"}</td></tr>`,
  )}</tbody>
</table>`;
};

const renderParameters = ({ parameters = [] }: OpenapiOperation): Html | "" =>
  parameters.length === 0
    ? ""
    : html`<table class="inputs">
<caption>Parameters</caption>
<thead><tr><th scope="col">name</th><th scope="col">in</th><th scope="col">meaning</th></tr></thead>
<tbody>${parameters.map(
        ({ name, in: place, description, schema }) =>
          html`<tr><th scope="row"><code>${name}</code></th><td>${place}</td><td>${description ?? ""} (${describeSchema(schema)})</td></tr>`,
      )}</tbody>
</table>`;

const listProblemTypes = (response: OpenapiOperation["responses"][string]): readonly string[] =>
  Object.keys(response.content?.["application/problem+json"]?.examples ?? {});

const renderResponses = ({ responses }: OpenapiOperation): Html => html`<table>
<caption>Responses</caption>
<thead><tr><th scope="col">status</th><th scope="col">meaning</th><th scope="col">problem type, after <code>urn:slipway:problem:</code></th></tr></thead>
<tbody>${Object.entries(responses).map(
  ([status, response]) =>
    html`<tr><th scope="row">${status}</th><td>${response.description}</td><td>${listProblemTypes(
      response,
    ).map((kind, index) => html`${index === 0 ? "" : ", "}<code>${kind}</code>`)}</td></tr>`,
)}</tbody>
</table>`;

const renderOperation = (
  method: string,
  path: string,
  operation: OpenapiOperation,
): Html => html`<details id="${operation.operationId}">
<summary><span class="method">${method.toUpperCase()}</span> <code>${path}</code> ${operation.summary}</summary>
${renderParameters(operation)}
${renderResponses(operation)}
</details>`;

type Options = {
  readonly modelName: string;
  /** The nonce of the response's docsPolicy. */
  readonly nonce: string;
};

/** The page that explains the API and sends a request. It is complete without its script and needs no other host. */
export const docsPage = (document: OpenapiDocument, { modelName, nonce }: Options): Html => {
  const predict = document.paths["/v1/predict"]?.post;
  const request = PredictExample.parse(predict?.requestBody?.content["application/json"]?.example);
  const response = predict?.responses["200"]?.content?.["application/json"]?.example;
  const [row = {}] = request.rows;
  const { info, paths, components } = document;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${info.title} · API</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${raw(docsStyle)}</style>
</head>
<body>
<header>
<h1>${info.title}</h1>
<p>${info.description}</p>
<p><a href="openapi.json">OpenAPI document</a> · a typed client: <code>slipway client ${modelName} --lang ts</code> or <code>--lang python</code></p>
</header>
<main>
<section aria-labelledby="call">
<h2 id="call">Call it</h2>
<p>The row is a golden row of the model, if it has one without confidential inputs. Where a key is required, set <code>SLIPWAY_API_KEY</code>.</p>
${createCodeSamples(placeholderUrl, row).map(
  ({ language, code }) => html`<h3>${language}</h3>${renderCode(code, `sample-${language.toLowerCase()}`)}`,
)}
${response === undefined ? "" : html`<h3>The response</h3>${renderCode(formatJson(response), "sample-response")}`}
</section>
<section aria-labelledby="try">
<h2 id="try">Try it</h2>
<p class="without-script">This needs JavaScript in the browser.</p>
<form id="request" hidden>
<p><label for="body">Body of <code>POST /v1/predict</code></label><textarea id="body" rows="12" spellcheck="false">${formatJson(request)}</textarea></p>
<p><label for="key">API key, where one is required</label><input id="key" type="password" autocomplete="off"></p>
<p><button type="submit">Send</button></p>
<p id="status" role="status"></p>
<pre><code id="response"></code></pre>
</form>
</section>
<section aria-labelledby="inputs">
<h2 id="inputs">Inputs</h2>
${renderInputs(document)}
</section>
<section aria-labelledby="operations">
<h2 id="operations">Operations</h2>
<p>Every error is an RFC 9457 problem (<code>application/problem+json</code>); invalid rows have a JSON pointer for each value.</p>
${Object.entries(paths).flatMap(([path, { get, post }]) => [
  ...(get ? [renderOperation("get", path, get)] : []),
  ...(post ? [renderOperation("post", path, post)] : []),
])}
</section>
<section aria-labelledby="schemas">
<h2 id="schemas">Schemas</h2>
${Object.entries(components.schemas).map(
  ([name, schema]) =>
    html`<details id="schema-${name}"><summary><code>${name}</code></summary>${renderCode(formatJson(schema))}</details>`,
)}
</section>
</main>
<script nonce="${nonce}">${raw(docsScript)}</script>
</body>
</html>
`;
};
