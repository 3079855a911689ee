import type { HttpProblem } from "./http-problem.ts";

const problemKinds = {
  "broken-request": { status: 400, title: "Invalid HTTP request" },
  "broken-json": { status: 400, title: "Invalid JSON" },
  "duplicate-key": { status: 400, title: "Duplicate key" },
  "broken-csv": { status: 400, title: "Invalid CSV" },
  "broken-encoding": { status: 400, title: "Unreadable body" },
  unauthorized: { status: 401, title: "API key missing or invalid" },
  "cross-site": { status: 403, title: "Cross-site request refused" },
  forbidden: { status: 403, title: "API key not valid for this model" },
  "query-invalid": { status: 400, title: "Invalid query parameter" },
  "not-found": { status: 404, title: "Not found" },
  "prediction-not-found": { status: 404, title: "Prediction record not found" },
  "method-not-allowed": { status: 405, title: "Method not allowed" },
  "too-large": { status: 413, title: "Body too large" },
  "answer-too-large": { status: 413, title: "Response too large" },
  "wrong-host": { status: 421, title: "Wrong host" },
  "wrong-content-type": { status: 415, title: "Unsupported content type" },
  "rows-invalid": { status: 422, title: "Invalid rows" },
  "too-many-requests": { status: 429, title: "Rate limit exceeded" },
  "queue-full": { status: 429, title: "Too many requests in work" },
  "output-not-finite": { status: 500, title: "The model returned a score that is not a finite number" },
  "prediction-failed": { status: 500, title: "Prediction failed" },
  "keys-unavailable": { status: 503, title: "API keys cannot be checked" },
  overloaded: { status: 503, title: "Too many open requests" },
  "deadline-exceeded": { status: 504, title: "Prediction timed out" },
  "not-ready": { status: 503, title: "Model not ready" },
  "run-stopped": { status: 504, title: "Model run stopped" },
  "model-busy": { status: 503, title: "Model paused" },
  "records-unavailable": { status: 503, title: "Prediction records cannot be read" },
} as const;
export type ProblemKind = keyof typeof problemKinds;

/** All kinds of problems. */
export const listProblemKinds = (): readonly ProblemKind[] => Object.keys(problemKinds).filter(isProblemKind);
const isProblemKind = (name: string): name is ProblemKind => Object.hasOwn(problemKinds, name);

const toProblemType = (kind: ProblemKind): string => `urn:slipway:problem:${kind}`;

/** What all problems of a kind have in common. */
export const describeProblem = (kind: ProblemKind) => ({
  kind,
  type: toProblemType(kind),
  ...problemKinds[kind],
});

export const createProblem = (
  kind: ProblemKind,
  detail: string,
  errors?: HttpProblem["errors"],
): HttpProblem => ({
  type: toProblemType(kind),
  ...problemKinds[kind],
  detail,
  ...(errors ? { errors } : {}),
});
