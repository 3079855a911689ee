import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The files of Swagger UI for the page. In an image they are next to the bundle. */
export const docsFiles = { "swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css" } as const;
type DocsFile = keyof typeof docsFiles;
export const isDocsFile = (name: string): name is DocsFile => Object.hasOwn(docsFiles, name);

/** Returns the folder of the installed package of Swagger UI. */
export const findDocsPackage = (): string =>
  dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
const bundledDocsFolder = join(dirname(fileURLToPath(import.meta.url)), "docs");

/** Reads a file of Swagger UI; undefined if neither the image nor the packages have it. */
export const readDocsFile = async (name: DocsFile): Promise<Buffer | undefined> => {
  for (const folder of [() => bundledDocsFolder, findDocsPackage]) {
    try {
      return await readFile(join(folder(), name));
    } catch {
      // Try the next folder.
    }
  }
  return undefined;
};

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** A policy that allows only resources with this response's nonce, and connections only to this service. */
export const docsPolicy = (nonce: string): string =>
  `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Creates a CSP nonce of 128 random bits. */
export const createNonce = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");

/**
 * The page that shows /openapi.json and can send requests. It needs no other host.
 * @param nonce the nonce of the response's docsPolicy
 */
export const docsPage = (title: string, nonce: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeText(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" nonce="${nonce}" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script nonce="${nonce}" src="docs/swagger-ui-bundle.js"></script>
<script nonce="${nonce}" src="docs/start.js"></script>
</body>
</html>
`;

/** URLs are relative, because a gateway gives each model its own path. */
export const docsStartScript = `SwaggerUIBundle({ url: "openapi.json", dom_id: "#api", deepLinking: true, tryItOutEnabled: true, validatorUrl: null });\n`;
