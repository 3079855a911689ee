import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The files of Swagger UI that the page needs. In an image they lie beside the bundle. */
export const docsFiles = { "swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css" } as const;
type DocsFile = keyof typeof docsFiles;
export const isDocsFile = (name: string): name is DocsFile => Object.hasOwn(docsFiles, name);

/** The folder of Swagger UI's files where it is installed as a package. */
export const docsPackage = (): string =>
  dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
const beside = join(dirname(fileURLToPath(import.meta.url)), "docs");

/** A file of Swagger UI; undefined where neither the image nor the packages hold it. */
export const readDocsFile = async (name: DocsFile): Promise<Buffer | undefined> => {
  for (const folder of [() => beside, docsPackage]) {
    try {
      return await readFile(join(folder(), name));
    } catch {
      // Not here: the next place.
    }
  }
  return undefined;
};

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** Nothing but this service's own files may run or be fetched here. */
export const docsPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** The page that shows /openapi.json, with a form that sends requests; it needs no other host. */
export const docsPage = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

/** Addresses are relative, since behind a gateway the model has a path of its own. */
export const docsStart = `SwaggerUIBundle({ url: "openapi.json", dom_id: "#api", deepLinking: true, tryItOutEnabled: true, validatorUrl: null });\n`;
