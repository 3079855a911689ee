import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type ConsoleWorld,
  createConsoleWorld,
  openDelivery,
  startConsole,
} from "#test/support/console/console-world.ts";

let world: ConsoleWorld;
beforeAll(async () => {
  world = await createConsoleWorld();
});
afterAll(() => world.world.close());

test("an open page hears of each change, and the stream ends with the world", async () => {
  const server = await startConsole(world, { events: true });
  const response = await fetch(`${server.url}/console/events`);
  const reader = response.body?.getReader();
  const read = async () => new TextDecoder().decode((await reader?.read())?.value);
  expect(await read()).toContain("event: hello");
  server.changes.emit();
  expect(await read()).toContain("event: changed");
  await server[Symbol.asyncDispose]();
  expect((await reader?.read())?.done).toBe(true);
});

test("addresses of before lead to the pages, and the page's tag gets 304", async () => {
  await using server = await startConsole(world);
  const leadTo = async (path: string) => {
    const { status, headers } = await fetch(`${server.url}${path}`, { redirect: "manual" });
    return [status, headers.get("location")];
  };
  expect(await leadTo(`/deliveries/${openDelivery}?as=U024BE7LH`)).toEqual([
    302,
    `/console/models/toy/deliveries/${openDelivery}`,
  ]);
  expect(await leadTo("/deliveries")).toEqual([302, "/console/deliveries"]);
  expect(await leadTo("/console")).toEqual([302, "/console/"]);
  const first = await fetch(`${server.url}/console/`);
  const again = await fetch(`${server.url}/console/`, {
    headers: { "if-none-match": first.headers.get("etag") ?? "" },
  });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test("only GET is answered", async () => {
  await using server = await startConsole(world);
  expect((await fetch(`${server.url}/console/`, { method: "POST" })).status).toBe(404);
});
