import { createProblem } from "./create-problem.ts";
import type { HttpProblem } from "./http-problem.ts";
import type { HttpRequest } from "./http-request.ts";

type RequestHead = Pick<HttpRequest, "method" | "path" | "header">;

/** Pages without data: another site may link to them. */
const pagePaths = ["/docs"];

/** Whether an Origin is this host or a configured name. Parsing removes default ports, as browsers do. */
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
  "A page of another site sent this request. Send it from a server, or from a page of this service's own origin.",
);

/**
 * Refuses a browser's request from another site's page (403) or without a content type (415); undefined: allowed. Browsers
 * send Origin or Sec-Fetch-Site, and pages cannot change them. Other clients send neither, and some omit the content type
 * (Triton's Python client). A page can send a body without a type, and browsers send that without a preflight request.
 * Sources: https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/
 * @param names configured host names, for a proxy in front that changes the Host header
 */
export const refuseCrossSite = (
  request: RequestHead,
  names: readonly string[] = [],
): HttpProblem | undefined => {
  const origin = request.header("origin");
  const site = request.header("sec-fetch-site");
  if (origin === undefined && site === undefined) return undefined;
  if (origin !== undefined && !isOwnOrigin(origin, request.header("host"), names)) return crossSiteProblem;
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isPageVisit(request))
    return crossSiteProblem;
  if (request.method === "POST" && request.header("content-type") === undefined)
    return createProblem("wrong-content-type", "A browser must send a content type: send application/json.");
  return undefined;
};
