import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { resolveDataFolder } from "./data-folder.ts";
import { acquireDataFolder, findRunningWorld } from "./data-folder-ownership.ts";

let temporary: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  temporary = await createTemporaryFolder();
});
afterEach(() => temporary.remove());
const url = "http://127.0.0.1:4000";
const modelsUrl = "http://127.0.0.1:4001";

test("a rehearsal is found after it announces its URLs and until it releases the folder", () => {
  const folder = resolveDataFolder(temporary.path);
  expect(findRunningWorld(folder)).toBeUndefined();
  const { announce, release } = acquireDataFolder(folder, { command: "rehearse", now: 0 });
  expect(findRunningWorld(folder)).toBeUndefined();
  announce(url, modelsUrl);
  expect(findRunningWorld(folder)).toEqual({ pid: process.pid, url, modelsUrl });
  release();
  expect(findRunningWorld(folder)).toBeUndefined();
});

test("a folder that slipway serve owns has no running rehearsal", () => {
  const folder = resolveDataFolder(temporary.path);
  const { announce, release } = acquireDataFolder(folder, { command: "serve", now: 0 });
  announce(url);
  expect(findRunningWorld(folder)).toBeUndefined();
  release();
});

test.each(["", "{", "{}", '{"pid":0,"url":"http://127.0.0.1"}', '{"pid":"1","url":"x"}'])(
  "an invalid running.json is ignored, and the folder stays in use: %j",
  async (text) => {
    const folder = resolveDataFolder(temporary.path);
    const { release } = acquireDataFolder(folder, { command: "rehearse", now: 0 });
    await writeFile(folder.running, text);
    expect(findRunningWorld(folder)).toBeUndefined();
    expect(() => acquireDataFolder(folder, { command: "rehearse", now: 0 })).toThrow("is in use");
    release();
  },
);
