import { Hono } from "hono";
import { expect, test } from "vitest";
import { honoListener } from "#worlds/embedded/gateway/hono-listener.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { createSyntheticApplication } from "./synthetic-application.ts";

test("the application sends one row per request, records versions, counts failures, and stops on request", async () => {
  const server = await startHttpServer(0);
  const requests: unknown[] = [];
  const keys = new Set<string | undefined>();
  let version = "1";
  const app = new Hono().post("/v1/predict", async (context) => {
    requests.push(await context.req.json());
    keys.add(context.req.header("x-api-key"));
    if (requests.length === 2) return context.json({ title: "no" }, 503);
    return context.json({ version });
  });
  server.serve(honoListener(app, () => undefined));
  const failures: string[] = [];
  const application = createSyntheticApplication({
    requestsPerSecond: 200,
    key: "its-key",
    random: () => 0.99,
    onFailure: (sentence) => void failures.push(sentence),
  });
  application.follow("toy", server.url, [{ x: 1 }, { x: 2 }]);
  await application.answeredBy("1");
  version = "2";
  await application.answeredBy("2");
  await application.answeredBy("1");
  await application.stop();
  const { answered, failed } = application.calls();
  expect(answered + failed).toBe(requests.length);
  expect([failed, failures.length]).toEqual([1, 1]);
  expect(failures[0]).toContain("503");
  expect(new Set(requests.map((each) => JSON.stringify(each)))).toEqual(new Set(['{"rows":[{"x":2}]}']));
  expect([...application.versions()]).toEqual(["1", "2"]);
  expect([...keys]).toEqual(["its-key"]);
  await server.close();
});
