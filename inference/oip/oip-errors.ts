import type { MiddlewareHandler } from "hono";
import type { HttpProblem } from "../http-problem.ts";

const shown = 3;

/** What is wrong in one line: clients raise it as their exception's message. */
const sentence = ({ title, detail, errors = [] }: HttpProblem): string => {
  if (errors.length === 0) return `${title}: ${detail}`;
  const found = errors.slice(0, shown).map(({ pointer, detail }) => `${pointer} ${detail}`.trim());
  const more = errors.length > shown ? `; and ${errors.length - shown} more` : "";
  return `${title}: ${found.join("; ")}${more}`;
};

/**
 * Every refusal below the protocol's addresses also carries the protocol's `error`. It goes out as application/json, as
 * the protocol has it (kserve's client takes the message from no other type), and as application/problem+json to who
 * accepts that by name.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_rest.yaml
 */
export const oipErrors: MiddlewareHandler = async (context, next) => {
  await next();
  if (context.res.headers.get("content-type") !== "application/problem+json") return;
  const { HttpProblem } = await import("../http-problem.ts");
  const problem = HttpProblem.parse(await context.res.json());
  const headers = new Headers(context.res.headers);
  headers.delete("content-length");
  if (!(context.req.header("accept") ?? "").includes("application/problem+json"))
    headers.set("content-type", "application/json");
  // Triton's client unpacks answers, and no errors.
  headers.set("cache-control", "no-transform");
  context.res = undefined;
  context.res = new Response(JSON.stringify({ error: sentence(problem), ...problem }), {
    status: problem.status,
    headers,
  });
};
