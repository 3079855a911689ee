import * as z from "zod";
import { createSealedCookie } from "#lambdas/show-console/sealed-cookie.ts";
import { Session } from "#lambdas/show-console/sessions.ts";
import { sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { toyModel } from "#test/support/toy-model.ts";
import type { FunctionsWorld } from "./functions-world.ts";

const Page = z.object({ statusCode: z.number(), body: z.string() });
const hourMs = 3_600_000;

/** Every page of the console about deliveries that ended, the start of a sign-in, and a session that is checked again. */
export const showConsolePages = async (world: FunctionsWorld): Promise<void> => {
  const seal = createSealedCookie({
    purpose: "session",
    schema: Session,
    secrets: async () => [sentinelSecrets.sessionKey],
  }).seal;
  const now = Date.now();
  const createCookie = (checkedAt: number) =>
    seal({ user: "U024BE7LH", name: "Ada", signedInAt: checkedAt, checkedAt }, now + hourMs);
  const get = async (checkedAt: number, ...paths: readonly string[]) => {
    const cookie = `__Host-slipway-session=${await createCookie(checkedAt)}`;
    const { answers, error } = await world.run(
      "show-console",
      ...paths.map((rawPath) => ({
        version: "2.0",
        rawPath,
        rawQueryString: "",
        headers: {},
        cookies: [cookie],
        requestContext: { http: { method: "GET" } },
      })),
    );
    if (error !== "") throw new Error(`show-console ended with ${error}`);
    return answers.map((answer) => Page.parse(answer));
  };
  const pages = await get(now, "/", `/models/${toyModel}`, "/deliveries");
  const [audit] = await get(now, `/models/${toyModel}/audit`);
  if (!audit?.body.includes("The chain holds.")) throw new Error(`the audit page says: ${audit?.body}`);
  const deliveries = [
    ...new Set(
      [...(pages.at(-1)?.body ?? "").matchAll(/href="(\/models\/\w+\/deliveries\/[\w-]+)"/g)].map(
        ([, path = ""]) => path,
      ),
    ),
  ];
  if (deliveries.length === 0) throw new Error("the console lists no delivery");
  pages.push(...(await get(now, ...deliveries)));
  for (const { statusCode, body } of pages)
    if (statusCode !== 200) throw new Error(`a page of the console has status ${statusCode}: ${body}`);
  // Slack's stub knows no groups, and its OpenID provider does not exist.
  const refused = await get(now - hourMs, "/", "/sign-in");
  const statuses = refused.map(({ statusCode }) => statusCode);
  if (statuses.join() !== "503,503") throw new Error(`expected 503 twice, not ${statuses}`);
};
