import { createProblem } from "./create-problem.ts";
import type { HttpProblem } from "./http-problem.ts";
import type { HttpRequest } from "./http-request.ts";

type RequestHead = Pick<HttpRequest, "method" | "path" | "header">;

/** Pages that hold no data: a link on another site may lead to them. */
const pagePaths = ["/docs"];

/** Whether an Origin is of this host, or of a configured name. A browser leaves a scheme's own port out of both. */
const isOwnOrigin = (origin: string, host: string | undefined, names: readonly string[]): boolean => {
  const url = URL.parse(origin);
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return [host, ...names].some(
    (name) => name !== undefined && URL.parse(`${url.protocol}//${name}`)?.host === url.host,
  );
};

const isPageVisit = ({ method, path, header }: RequestHead): boolean =>
  method === "GET" &&
  pagePaths.includes(path) &&
  header("sec-fetch-mode") === "navigate" &&
  header("sec-fetch-dest") === "document";

const crossSiteProblem = createProblem(
  "cross-site",
  "A page of another site made this request. Call from a server, or from a page of this service's own origin.",
);

/**
 * Why a browser's request is not answered: another site's page made it (403), or it does not say what its body is (415).
 * Browsers tell who asks in Origin and Sec-Fetch-Site, and no page can change either; other clients send neither, and
 * may leave the content type out, as Triton's Python client does. A page can send a body without a type, and no browser
 * asks the server first whether it may.
 * Sources: https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/
 * @param names configured host names, for a proxy in front that changes the Host header
 */
export const refuseCrossSite = (
  asked: RequestHead,
  names: readonly string[] = [],
): HttpProblem | undefined => {
  const origin = asked.header("origin");
  const site = asked.header("sec-fetch-site");
  if (origin === undefined && site === undefined) return undefined;
  if (origin !== undefined && !isOwnOrigin(origin, asked.header("host"), names)) return crossSiteProblem;
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isPageVisit(asked))
    return crossSiteProblem;
  if (asked.method === "POST" && asked.header("content-type") === undefined)
    return createProblem(
      "wrong-content-type",
      "A browser names the type of its body: send application/json.",
    );
  return undefined;
};
