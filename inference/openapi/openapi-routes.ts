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
/** To be kept, and asked for again by its tag. */
const revalidateHeaders = { "cache-control": "no-cache" };

/** By the file's name, of which there are three. */
const docsResponses = new Map<string, ReturnType<typeof cacheResponse>>();

const handleDocsFile = async (request: HttpRequest, name: string): Promise<HttpResponse> => {
  const { docsFiles, docsStartScript, isDocsFile, readDocsFile } = await import("./docs-page.ts");
  const known = docsResponses.get(name);
  if (known) return known(request);
  const reply = (body: string | Uint8Array, type: string) => {
    const made = cacheResponse(async () => ({
      status: 200,
      headers: { ...revalidateHeaders, "content-type": type },
      body,
    }));
    docsResponses.set(name, made);
    return made(request);
  };
  if (name === "start.js") return reply(docsStartScript, javascript);
  if (!isDocsFile(name))
    return problemResponse(
      createProblem("not-found", "The page's files are swagger-ui-bundle.js and swagger-ui.css."),
    );
  const file = await readDocsFile(name);
  return file
    ? reply(file, `${docsFiles[name]}; charset=utf-8`)
    : problemResponse(createProblem("not-found", "The page's files are not installed here."));
};

/** GET /openapi.json and the page /docs. Both are made when they are first asked for: predictions do not wait for them. */
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
        // A nonce is for once.
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
