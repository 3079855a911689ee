import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type HttpResponse, jsonResponse } from "#inference/http/http-response.ts";

const maxShownErrors = 3;

/** Formats a problem on one line, because clients raise it as their exception's message. */
const formatProblemMessage = ({ title, detail, errors = [] }: HttpProblem): string => {
  if (errors.length === 0) return `${title}: ${detail}`;
  const shown = errors.slice(0, maxShownErrors).map(({ pointer, detail }) => `${pointer} ${detail}`.trim());
  const more = errors.length > maxShownErrors ? `; and ${errors.length - maxShownErrors} more` : "";
  return `${title}: ${shown.join("; ")}${more}`;
};

/**
 * Converts a refusal to the protocol's format: it also has the field `error`. Its type is application/json, because kserve's
 * client reads the message from no other type; it is application/problem+json for a client that accepts that by name.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_rest.yaml
 */
export const toOipError = (response: HttpResponse, problem: HttpProblem, accept: string): HttpResponse => {
  const type = accept.includes("application/problem+json") ? "application/problem+json" : "application/json";
  const { body, headers } = jsonResponse(
    { error: formatProblemMessage(problem), ...problem },
    problem.status,
    type,
  );
  return {
    ...response,
    // Triton's client does not decompress errors.
    headers: { ...response.headers, ...headers, "cache-control": "no-transform" },
    body,
  };
};
