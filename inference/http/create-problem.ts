import type { HttpProblem } from "./http-problem.ts";

const problemKinds = {
  "broken-request": { status: 400, title: "The request is no HTTP" },
  "broken-json": { status: 400, title: "The body is no JSON" },
  "duplicate-key": { status: 400, title: "The body has a key twice" },
  "broken-csv": { status: 400, title: "The body is no CSV" },
  "broken-encoding": { status: 400, title: "The body's bytes cannot be read" },
  unauthorized: { status: 401, title: "A valid API key is needed" },
  "cross-site": { status: 403, title: "Another site's page may not ask here" },
  forbidden: { status: 403, title: "The API key is for other models" },
  "query-invalid": { status: 400, title: "A parameter of the query is wrong" },
  "not-found": { status: 404, title: "There is nothing at this address" },
  "prediction-not-found": { status: 404, title: "There is no such record of a prediction" },
  "method-not-allowed": { status: 405, title: "This address does not take this method" },
  "too-large": { status: 413, title: "The body is too large" },
  "answer-too-large": { status: 413, title: "The answer would be too large" },
  "wrong-host": { status: 421, title: "This server is not the host that was asked for" },
  "wrong-content-type": { status: 415, title: "The body is of a type that is not read here" },
  "rows-invalid": { status: 422, title: "The rows do not fit the model's inputs" },
  "too-many-requests": { status: 429, title: "The API key is over its rate limit" },
  "output-not-finite": { status: 500, title: "The model gave a score that is no number" },
  "prediction-failed": { status: 500, title: "The prediction failed" },
  "keys-unavailable": { status: 503, title: "API keys cannot be checked now" },
  overloaded: { status: 503, title: "Too many requests are under way" },
  "deadline-exceeded": { status: 504, title: "The prediction took too long" },
  "not-ready": { status: 503, title: "The model does not answer yet" },
  "run-stopped": { status: 504, title: "The model did not answer in time" },
  "model-busy": { status: 503, title: "The model takes no requests for now" },
  "records-unavailable": { status: 503, title: "The records of predictions cannot be read" },
} as const;
export type ProblemKind = keyof typeof problemKinds;

/** Status and title of these kinds. */
export const describeProblems = (...of: ProblemKind[]) => of.map((kind) => problemKinds[kind]);

/** A problem of one of the kinds that this service gives. */
export const createProblem = (
  kind: ProblemKind,
  detail: string,
  errors?: HttpProblem["errors"],
): HttpProblem => ({
  type: `urn:slipway:problem:${kind}`,
  ...problemKinds[kind],
  detail,
  ...(errors ? { errors } : {}),
});
