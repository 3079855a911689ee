import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type HttpResponse, jsonResponse } from "#inference/http/http-response.ts";

const maxShownErrors = 3;

/** What is wrong in one line: clients raise it as their exception's message. */
const formatProblemMessage = ({ title, detail, errors = [] }: HttpProblem): string => {
  if (errors.length === 0) return `${title}: ${detail}`;
  const found = errors.slice(0, maxShownErrors).map(({ pointer, detail }) => `${pointer} ${detail}`.trim());
  const more = errors.length > maxShownErrors ? `; and ${errors.length - maxShownErrors} more` : "";
  return `${title}: ${found.join("; ")}${more}`;
};

/**
 * A refusal below the protocol's addresses: it also carries the protocol's `error`. It goes out as application/json, as
 * the protocol has it (kserve's client takes the message from no other type), and as application/problem+json to who
 * accepts that by name.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_rest.yaml
 */
export const toOipError = (reply: HttpResponse, problem: HttpProblem, accepted: string): HttpResponse => {
  const type = accepted.includes("application/problem+json")
    ? "application/problem+json"
    : "application/json";
  const { body, headers } = jsonResponse(
    { error: formatProblemMessage(problem), ...problem },
    problem.status,
    type,
  );
  return {
    ...reply,
    // Triton's client unpacks answers, and no errors.
    headers: { ...reply.headers, ...headers, "cache-control": "no-transform" },
    body,
  };
};
