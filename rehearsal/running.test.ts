import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../test/temporary-folder.ts";
import { dataFolder } from "./data-folder.ts";
import { announceRunning, runningOn } from "./running.ts";

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  temporary = await temporaryFolder();
});
afterEach(() => temporary.remove());
const url = "http://127.0.0.1:4000";

test("who runs on a folder is known until it withdraws", () => {
  const folder = dataFolder(temporary.path);
  expect(runningOn(folder)).toBeUndefined();
  const withdraw = announceRunning(folder, { pid: process.pid, url });
  expect(runningOn(folder)).toEqual({ pid: process.pid, url });
  withdraw();
  expect(runningOn(folder)).toBeUndefined();
  expect(existsSync(folder.running)).toBe(false);
});

test("one that was killed does not run", () => {
  const folder = dataFolder(temporary.path);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  announceRunning(folder, { pid, url });
  expect(runningOn(folder)).toBeUndefined();
});

test.each(["", "{", "{}", '{"pid":0,"url":"http://127.0.0.1"}', '{"pid":"1","url":"x"}'])(
  "a file that says %j says nothing",
  async (text) => {
    const folder = dataFolder(temporary.path);
    await writeFile(folder.running, text);
    expect(runningOn(folder)).toBeUndefined();
  },
);
