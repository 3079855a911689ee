import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type HttpReply, json } from "#inference/http/http-reply.ts";

const shown = 3;

/** What is wrong in one line: clients raise it as their exception's message. */
const sentence = ({ title, detail, errors = [] }: HttpProblem): string => {
  if (errors.length === 0) return `${title}: ${detail}`;
  const found = errors.slice(0, shown).map(({ pointer, detail }) => `${pointer} ${detail}`.trim());
  const more = errors.length > shown ? `; and ${errors.length - shown} more` : "";
  return `${title}: ${found.join("; ")}${more}`;
};

/**
 * A refusal below the protocol's addresses: it also carries the protocol's `error`. It goes out as application/json, as
 * the protocol has it (kserve's client takes the message from no other type), and as application/problem+json to who
 * accepts that by name.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_rest.yaml
 */
export const oipError = (reply: HttpReply, problem: HttpProblem, accepted: string): HttpReply => {
  const type = accepted.includes("application/problem+json")
    ? "application/problem+json"
    : "application/json";
  const { body, headers } = json({ error: sentence(problem), ...problem }, problem.status, type);
  return {
    ...reply,
    // Triton's client unpacks answers, and no errors.
    headers: { ...reply.headers, ...headers, "cache-control": "no-transform" },
    body,
  };
};
