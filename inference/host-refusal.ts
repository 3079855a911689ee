import { Hono } from "hono";
import { refuse } from "./http-answer.ts";
import type { HttpProblem } from "./http-problem.ts";
import { oipErrors } from "./oip/oip-errors.ts";

type Refused = { readonly Bindings: { readonly problem: HttpProblem } };

const app = new Hono<Refused>();
for (const root of ["/v2", "/v2/*"]) app.use(root, oipErrors);
app.all("*", ({ env }) => refuse(env.problem));

/**
 * The answer to a request that its host refuses before the app sees it, or whose answer it cannot carry: a problem,
 * in the form of the protocol that was asked.
 */
export const hostRefusal = async (request: Request, problem: HttpProblem): Promise<Response> =>
  app.fetch(request, { problem });
