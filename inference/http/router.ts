import { createProblem } from "./create-problem.ts";
import type { HttpRequest } from "./http-request.ts";
import { type HttpResponse, problemResponse, withHeaders } from "./http-response.ts";

/** What the path's `:names` stand for, decoded. */
export type PathParams = Readonly<Record<string, string>>;
export type RouteHandler = (request: HttpRequest, params: PathParams) => HttpResponse | Promise<HttpResponse>;
export type Route = {
  readonly method: "GET" | "POST";
  /** Segments, of which those that begin with a colon stand for any text: `/v1/predictions/:id`. */
  readonly path: string;
  readonly respond: RouteHandler;
};

type Methods = Partial<Record<Route["method"], RouteHandler>>;
type RouteMatch = { readonly methods: Methods; readonly params: PathParams };

const notFoundResponse = problemResponse(
  createProblem("not-found", "See /v1/model for what is served here."),
);

/** What is no escape stands for itself. */
const decodeSegment = (segment: string): string => {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** The path's parameters where it is of this form; a parameter is never empty. */
const matchPath = (form: readonly string[], segments: readonly string[]): PathParams | undefined => {
  if (form.length !== segments.length) return undefined;
  const params = new Map<string, string>();
  for (const [at, part] of form.entries()) {
    const segment = segments[at] ?? "";
    if (!part.startsWith(":")) {
      if (part !== segment) return undefined;
    } else if (segment === "") return undefined;
    else params.set(part.slice(1), decodeSegment(segment));
  }
  return Object.fromEntries(params);
};

const methodNotAllowed = (methods: Methods): HttpResponse => {
  // HEAD is answered wherever GET is.
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
 * Finds who answers a request: 404 for an address that no route has, 405 with `Allow` for another method than its
 * routes have. Addresses without parameters are found first and at once.
 */
export const createRouter = (routes: readonly Route[]) => {
  const fixed = new Map<string, Methods>();
  const forms = new Map<string, { readonly form: readonly string[]; readonly methods: Methods }>();
  for (const { method, path, respond } of routes) {
    const methods = fixed.get(path) ?? forms.get(path)?.methods ?? {};
    methods[method] = respond;
    if (path.includes("/:")) forms.set(path, { form: path.split("/"), methods });
    else fixed.set(path, methods);
  }
  const find = (path: string): RouteMatch | undefined => {
    const methods = fixed.get(path);
    if (methods) return { methods, params: {} };
    const segments = path.split("/", 20);
    for (const { form, methods } of forms.values()) {
      const params = matchPath(form, segments);
      if (params) return { methods, params };
    }
    return undefined;
  };
  return (request: HttpRequest): HttpResponse | Promise<HttpResponse> => {
    const found = find(request.path);
    if (!found) return notFoundResponse;
    const respond = findHandler(found.methods, request.method);
    return respond ? respond(request, found.params) : methodNotAllowed(found.methods);
  };
};
