import { type HttpReply, json, refuse, withHeaders } from "#inference/http/http-reply.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { problem } from "#inference/http/problem.ts";
import type { Route } from "#inference/http/router.ts";
import { keptReply } from "#inference/http/with-entity-tag.ts";
import type { Service } from "#inference/service.ts";

const javascript = "text/javascript; charset=utf-8";
/** To be kept, and asked for again by its tag. */
const kept = { "cache-control": "no-cache" };

/** By the file's name, of which there are three. */
const docsReplies = new Map<string, ReturnType<typeof keptReply>>();

const docsFile = async (request: HttpRequest, name: string): Promise<HttpReply> => {
  const { docsFiles, docsStart, isDocsFile, readDocsFile } = await import("./docs-page.ts");
  const known = docsReplies.get(name);
  if (known) return known(request);
  const reply = (body: string | Uint8Array, type: string) => {
    const made = keptReply(async () => ({ status: 200, headers: { ...kept, "content-type": type }, body }));
    docsReplies.set(name, made);
    return made(request);
  };
  if (name === "start.js") return reply(docsStart, javascript);
  if (!isDocsFile(name))
    return refuse(problem("not-found", "The page's files are swagger-ui-bundle.js and swagger-ui.css."));
  const file = await readDocsFile(name);
  return file
    ? reply(file, `${docsFiles[name]}; charset=utf-8`)
    : refuse(problem("not-found", "The page's files are not installed here."));
};

/** GET /openapi.json and the page /docs. Both are made when they are first asked for: predictions do not wait for them. */
export const openapiRoutes = (service: Service): readonly Route[] => [
  {
    method: "GET",
    path: "/openapi.json",
    respond: keptReply(async () => {
      const { openapiDocument } = await import("./openapi-document.ts");
      return withHeaders(json(openapiDocument(service)), kept);
    }),
  },
  {
    method: "GET",
    path: "/docs",
    async respond() {
      const { docsPage, docsPolicy, newNonce } = await import("./docs-page.ts");
      const nonce = newNonce();
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
    respond: (request, { file = "" }) => docsFile(request, file),
  },
];
