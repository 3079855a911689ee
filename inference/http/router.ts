import { createProblem } from "./create-problem.ts";
import type { HttpRequest } from "./http-request.ts";
import { type HttpResponse, problemResponse, withHeaders } from "./http-response.ts";

/** Decoded values of the path's `:names`. */
export type PathParams = Readonly<Record<string, string>>;
export type RouteHandler = (request: HttpRequest, params: PathParams) => HttpResponse | Promise<HttpResponse>;
export type Route = {
  readonly method: "GET" | "POST";
  /** Segments; one that starts with a colon matches any text: `/v1/predictions/:id`. */
  readonly path: string;
  readonly respond: RouteHandler;
};

export type Router = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

type Methods = Partial<Record<Route["method"], RouteHandler>>;
type RouteMatch = { readonly methods: Methods; readonly params: PathParams };

const notFoundResponse = problemResponse(
  createProblem("not-found", "See /v1/model for the model that is served here."),
);

/** Decodes a segment; an invalid escape stays as it is. */
const decodeSegment = (segment: string): string => {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** Returns the parameters if the path matches the pattern; a parameter is never empty. */
const matchPath = (pattern: readonly string[], segments: readonly string[]): PathParams | undefined => {
  if (pattern.length !== segments.length) return undefined;
  const params = new Map<string, string>();
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (!part.startsWith(":")) {
      if (part !== segment) return undefined;
    } else if (segment === "") return undefined;
    else params.set(part.slice(1), decodeSegment(segment));
  }
  return Object.fromEntries(params);
};

const methodNotAllowed = (methods: Methods): HttpResponse => {
  // HEAD is allowed wherever GET is.
  const allow = [...Object.keys(methods), ...(methods.GET ? ["HEAD"] : [])].sort().join(", ");
  return withHeaders(problemResponse(createProblem("method-not-allowed", `Allowed here: ${allow}.`)), {
    allow,
  });
};

const findHandler = (methods: Methods, method: string): RouteHandler | undefined => {
  if (method === "POST") return methods.POST;
  return method === "GET" || method === "HEAD" ? methods.GET : undefined;
};

/**
 * Routes a request to its handler: 404 for an unknown path, 405 with `Allow` for another method. Paths without parameters
 * are looked up first.
 * @param others gets the requests for paths of no route
 */
export const createRouter = (routes: readonly Route[], others: Router = () => notFoundResponse): Router => {
  const fixedPaths = new Map<string, Methods>();
  const patterns = new Map<string, { readonly pattern: readonly string[]; readonly methods: Methods }>();
  for (const { method, path, respond } of routes) {
    const methods = fixedPaths.get(path) ?? patterns.get(path)?.methods ?? {};
    methods[method] = respond;
    if (path.includes("/:")) patterns.set(path, { pattern: path.split("/"), methods });
    else fixedPaths.set(path, methods);
  }
  const find = (path: string): RouteMatch | undefined => {
    const methods = fixedPaths.get(path);
    if (methods) return { methods, params: {} };
    const segments = path.split("/", 20);
    for (const { pattern, methods } of patterns.values()) {
      const params = matchPath(pattern, segments);
      if (params) return { methods, params };
    }
    return undefined;
  };
  return (request) => {
    const match = find(request.path);
    if (!match) return others(request);
    const respond = findHandler(match.methods, request.method);
    return respond ? respond(request, match.params) : methodNotAllowed(match.methods);
  };
};
