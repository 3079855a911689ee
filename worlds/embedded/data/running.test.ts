import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "#test/support/temporary-folder.ts";
import { dataFolder } from "./data-folder.ts";
import { ownFolder, runningOn } from "./running.ts";

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  temporary = await temporaryFolder();
});
afterEach(() => temporary.remove());
const url = "http://127.0.0.1:4000";
const modelsUrl = "http://127.0.0.1:4001";

test("a rehearsal is known from where it says that it answers until it gives the folder back", () => {
  const folder = dataFolder(temporary.path);
  expect(runningOn(folder)).toBeUndefined();
  const { announce, release } = ownFolder(folder, { command: "rehearse", now: 0 });
  expect(runningOn(folder)).toBeUndefined();
  announce(url, modelsUrl);
  expect(runningOn(folder)).toEqual({ pid: process.pid, url, modelsUrl });
  release();
  expect(runningOn(folder)).toBeUndefined();
});

test("a folder that slipway serve owns has no rehearsal", () => {
  const folder = dataFolder(temporary.path);
  const { announce, release } = ownFolder(folder, { command: "serve", now: 0 });
  announce(url);
  expect(runningOn(folder)).toBeUndefined();
  release();
});

test.each(["", "{", "{}", '{"pid":0,"url":"http://127.0.0.1"}', '{"pid":"1","url":"x"}'])(
  "a file that says %j says nothing, whoever owns the folder",
  async (text) => {
    const folder = dataFolder(temporary.path);
    const { release } = ownFolder(folder, { command: "rehearse", now: 0 });
    await writeFile(folder.running, text);
    expect(runningOn(folder)).toBeUndefined();
    expect(() => ownFolder(folder, { command: "rehearse", now: 0 })).toThrow("a process runs on");
    release();
  },
);
