import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import {
  type HttpResponse,
  jsonResponse,
  problemResponse,
  withHeaders,
} from "#inference/http/http-response.ts";
import type { Route } from "#inference/http/router.ts";
import { cacheResponse } from "#inference/http/with-entity-tag.ts";
import type { Service } from "#inference/service.ts";

const javascript = "text/javascript; charset=utf-8";
/** Clients may cache it, but must revalidate it by its tag. */
const revalidateHeaders = { "cache-control": "no-cache" };

/** By file name; there are only three. */
const docsResponses = new Map<string, ReturnType<typeof cacheResponse>>();

const handleDocsFile = async (request: HttpRequest, name: string): Promise<HttpResponse> => {
  const { docsFiles, docsStartScript, isDocsFile, readDocsFile } = await import("./docs-page.ts");
  const cached = docsResponses.get(name);
  if (cached) return cached(request);
  const respond = (body: string | Uint8Array, type: string) => {
    const handler = cacheResponse(async () => ({
      status: 200,
      headers: { ...revalidateHeaders, "content-type": type },
      body,
    }));
    docsResponses.set(name, handler);
    return handler(request);
  };
  if (name === "start.js") return respond(docsStartScript, javascript);
  if (!isDocsFile(name))
    return problemResponse(
      createProblem("not-found", "The page's files are swagger-ui-bundle.js and swagger-ui.css."),
    );
  const file = await readDocsFile(name);
  return file
    ? respond(file, `${docsFiles[name]}; charset=utf-8`)
    : problemResponse(createProblem("not-found", "The page's files are not installed here."));
};

/** GET /openapi.json and the page /docs. Both are created on the first request, to keep cold starts short. */
export const openapiRoutes = (service: Service): readonly Route[] => [
  {
    method: "GET",
    path: "/openapi.json",
    respond: cacheResponse(async () => {
      const { openapiDocument } = await import("./openapi-document.ts");
      return withHeaders(jsonResponse(openapiDocument(service)), revalidateHeaders);
    }),
  },
  {
    method: "GET",
    path: "/docs",
    async respond() {
      const { docsPage, docsPolicy, createNonce } = await import("./docs-page.ts");
      const nonce = createNonce();
      const body = docsPage(`${service.model.manifest.name} · Slipway`, nonce);
      const headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": docsPolicy(nonce),
        // A nonce must not be reused.
        "cache-control": "no-store",
      };
      return { status: 200, headers, body };
    },
  },
  {
    method: "GET",
    path: "/docs/:file",
    respond: (request, { file = "" }) => handleDocsFile(request, file),
  },
];
