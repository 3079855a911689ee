import type { HttpResponse } from "#inference/http/http-response.ts";
import { jsonResponse, withHeaders } from "#inference/http/http-response.ts";
import type { Route } from "#inference/http/router.ts";
import { cacheResponse } from "#inference/http/with-entity-tag.ts";
import { createSampleRow } from "#inference/model/load-model.ts";
import type { Service } from "#inference/service.ts";
import type { OpenapiDocument, OpenapiExample } from "./openapi-document.ts";

/** Clients may cache it, but must revalidate it by its tag. */
const revalidateHeaders = { "cache-control": "no-cache" };

/** A golden row with what this version predicts for it; without one, a row of the lowest values. */
const createExample = async ({ model, readExampleRow }: Service): Promise<OpenapiExample> => {
  const row = (await readExampleRow?.()) ?? createSampleRow(model.manifest);
  // A model that fails on this row may still predict others; the documents then show no response.
  return { row, predictions: await model.predict([row]).catch(() => undefined) };
};

/** GET /openapi.json and the page /docs. Both are created on the first request, to keep cold starts short. */
export const openapiRoutes = (service: Service): readonly Route[] => {
  let document: Promise<OpenapiDocument> | undefined;
  const createDocument = async (): Promise<OpenapiDocument> => {
    const { openapiDocument } = await import("./openapi-document.ts");
    return openapiDocument(service, await createExample(service));
  };
  const readDocument = (): Promise<OpenapiDocument> => {
    document ??= createDocument().catch((error: unknown) => {
      document = undefined;
      throw error;
    });
    return document;
  };
  const respondWithPage = async (): Promise<HttpResponse> => {
    const { docsPage, docsPolicy, createNonce } = await import("./docs-page.ts");
    const nonce = createNonce();
    const page = await docsPage(await readDocument(), { modelName: service.model.manifest.name, nonce });
    return {
      status: 200,
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": docsPolicy(nonce),
        // A nonce must not be reused.
        "cache-control": "no-store",
      },
      body: page.toString(),
    };
  };
  return [
    {
      method: "GET",
      path: "/openapi.json",
      respond: cacheResponse(async () => withHeaders(jsonResponse(await readDocument()), revalidateHeaders)),
    },
    { method: "GET", path: "/docs", respond: respondWithPage },
  ];
};
