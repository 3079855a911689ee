import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DataFolderUnusable } from "#platform/errors/data-folder-unusable.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { openCapabilities } from "#worlds/embedded/capabilities.ts";
import { type DataFolder, resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { createStepsThreadClient, type StepsThreadClient } from "./steps-thread-client.ts";

let temporary: Awaited<ReturnType<typeof createTemporaryFolder>>;
let folder: DataFolder;
const threads: StepsThreadClient[] = [];
const logged: string[] = [];

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  folder = resolveDataFolder(join(temporary.path, "data"));
  const { database, metrics } = await openCapabilities({
    ...{ folder, url: "http://127.0.0.1:1", modelsUrl: "http://127.0.0.1:1" },
    ...{ clock: Date.now, log: () => undefined, env: {} },
  });
  metrics.close();
  database.close();
});
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.stop();
  logged.length = 0;
  await temporary.remove();
});

const start = (module: URL, heapMb?: number): StepsThreadClient => {
  const thread = createStepsThreadClient({
    module,
    data: { folder, url: "http://127.0.0.1:1", modelsUrl: "http://127.0.0.1:1", env: {} },
    log: (sentence) => void logged.push(sentence),
    wrote: () => undefined,
    ...(heapMb === undefined ? {} : { heapMb }),
  });
  threads.push(thread);
  return thread;
};
const steps = new URL("./steps-thread.ts", import.meta.url);

test("a step's error comes back under the name that the state machine knows it by", async () => {
  const thread = start(steps);
  await expect(thread.call("claim-environment", { delivery: "d" })).rejects.toMatchObject({
    name: "ContractBroken",
    message: expect.stringContaining("environment: "),
  });
});

test("a call returns the step's result, and a model that prod does not serve has no rows", async () => {
  const thread = start(steps);
  expect(await thread.call("rows-to-ask", "churn")).toEqual([]);
  expect(await thread.call("sweep-deliveries", {})).toEqual({ deliveries: [] });
});

test("a thread that cannot open its folder says so, and the next call opens it once it can", async () => {
  const thread = start(steps);
  const backup = `${folder.database}.kept`;
  await rename(folder.database, backup);
  await mkdir(folder.database);
  await expect(thread.call("rows-to-ask", "churn")).rejects.toThrow(DataFolderUnusable);
  await rm(folder.database, { recursive: true });
  await rename(backup, folder.database);
  expect(await thread.call("rows-to-ask", "churn")).toEqual([]);
});

test("a thread without memory fails only its own calls, with a retryable error, and the next call starts another thread", async () => {
  const thread = start(steps, 4);
  await expect(thread.call("rows-to-ask", "churn")).rejects.toMatchObject({
    name: "TemporaryFault",
    message: expect.stringContaining("memory"),
  });
  await expect(thread.call("rows-to-ask", "churn")).rejects.toMatchObject({ name: "TemporaryFault" });
  expect(logged).toEqual(["the steps' thread ended", "the steps' thread ended"]);
});

test("a thread in an endless loop is terminated, and the calls that wait for it fail", async () => {
  const endless = new URL(
    "data:text/javascript,import{parentPort}from'node:worker_threads';parentPort.on('message',()=>{for(;;);});",
  );
  const thread = start(endless);
  const failedCall = thread.call("runtime").catch((error: unknown) => error);
  await thread.stop();
  expect(await failedCall).toMatchObject({ name: "TemporaryFault" });
  await expect(thread.call("runtime")).rejects.toMatchObject({ name: "TemporaryFault" });
});
