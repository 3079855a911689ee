import { Hono } from "hono";
import { entityTag } from "../entity-tag.ts";
import { refuse } from "../http-answer.ts";
import { problem } from "../problem.ts";
import type { Service } from "../service.ts";

const javascript = "text/javascript; charset=utf-8";

/** GET /openapi.json and the page /docs. Both are made when they are first asked for: predictions do not wait for them. */
export const openapiRoutes = (service: Service): Hono => {
  const app = new Hono();
  const kept = { "cache-control": "no-cache" };
  app.get("/openapi.json", entityTag(), async (context) => {
    const { openapiDocument } = await import("./openapi-document.ts");
    return context.json(openapiDocument(service), 200, kept);
  });
  app.get("/docs", async (context) => {
    const { docsPage, docsPolicy } = await import("./docs-page.ts");
    return context.html(docsPage(`${service.model.manifest.name} · Slipway`), 200, {
      "content-security-policy": docsPolicy,
    });
  });
  app.get("/docs/:file", entityTag(), async (context) => {
    const { docsFiles, docsStart, isDocsFile, readDocsFile } = await import("./docs-page.ts");
    const name = context.req.param("file");
    if (name === "start.js") return context.body(docsStart, 200, { ...kept, "content-type": javascript });
    const file = isDocsFile(name) ? await readDocsFile(name) : undefined;
    return file && isDocsFile(name)
      ? context.body(new Uint8Array(file), 200, {
          ...kept,
          "content-type": `${docsFiles[name]}; charset=utf-8`,
        })
      : refuse(problem("not-found", "The page's files are swagger-ui-bundle.js and swagger-ui.css."));
  });
  return app;
};
