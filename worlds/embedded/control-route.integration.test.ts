import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { honoListener } from "#worlds/embedded/gateway/hono-listener.ts";
import { createControlRoute } from "./control-route.ts";
import { startHttpServer } from "./gateway/http-server.ts";
import { remoteDeliveries } from "./remote-deliveries.ts";

let world: MemoryWorld;
let server: Awaited<ReturnType<typeof startHttpServer>>;
beforeEach(async () => {
  world = createMemoryWorld();
  server = await startHttpServer(0);
  server.serve(
    honoListener(createControlRoute({ deliveries: world.deliveries, token: "secret" }), () => undefined),
  );
});
afterEach(async () => {
  await server.close();
  world.close();
});
const remote = (token = "secret", url: string | undefined = server.url) =>
  remoteDeliveries({ database: world.database, url, token });

test.each([undefined, "", "secret", "Bearer", "Bearer Secret", "Bearer secret2"])(
  "a call with the authorization %j is refused",
  async (authorization) => {
    const response = await fetch(`${server.url}/control/deliveries`, {
      method: "POST",
      headers: authorization === undefined ? {} : { authorization },
      body: JSON.stringify({ call: "start", name: "n", input: {} }),
    });
    expect(response.status).toBe(403);
    expect(world.engine.executions.size).toBe(0);
  },
);

test("another process starts an execution and completes its task through the process with the engine", async () => {
  expect(await remote().start("n", { model: "toy" })).toEqual({ started: true });
  expect(await remote().start("n", { model: "toy" })).toEqual({ started: false });
  world.engine.waiting.add("t1").add("t2");
  await remote().succeed("t1", { status: "approved" });
  await remote().fail("t2", { name: "Superseded", cause: "later" });
  expect(world.engine.answers).toEqual([
    { token: "t1", output: { status: "approved" } },
    { token: "t2", error: { name: "Superseded", cause: "later" } },
  ]);
});

test("an unknown token is TaskGone in the other process, too", async () => {
  await expect(remote().succeed("gone", {})).rejects.toMatchObject({ name: "TaskGone" });
});

test("a wrong token is refused, and the response does not show the right one", async () => {
  await expect(remote("wrong").start("n", {})).rejects.toThrow(/403/);
});

test.each(["", "null", "{}", '{"call":"drop"}', '{"call":"start"}'])(
  "the call %j is refused with 400",
  async (body) => {
    const headers = { authorization: "Bearer secret", "content-type": "application/json" };
    const response = await fetch(`${server.url}/control/deliveries`, { method: "POST", headers, body });
    expect(response.status).toBe(400);
  },
);

test("without a running rehearsal a call fails with NotRunning", async () => {
  const none = remoteDeliveries({ database: world.database, url: undefined, token: "secret" });
  await expect(none.start("n", {})).rejects.toMatchObject({ name: "NotRunning" });
  await server.close();
  await expect(remote().start("n", {})).rejects.toMatchObject({ name: "NotRunning" });
});
