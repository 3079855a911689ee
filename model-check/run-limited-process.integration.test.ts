import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { requirePeer } from "#test/support/require-peer.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

const module = new URL("./run-limited-process.ts", import.meta.url).href;

const { skip } = requirePeer(
  "the end of a program with the thread that started it",
  existsSync("/usr/bin/setpriv")
    ? undefined
    : "setpriv (util-linux), which exists on Linux alone, is missing",
);

test.skipIf(skip)("a program is killed when the thread that started it is terminated", async () => {
  const folder = await createTemporaryFolder();
  const program = join(folder.path, "endless.mjs");
  await writeFile(
    program,
    'import { writeSync } from "node:fs"; writeSync(3, JSON.stringify({ pid: process.pid }) + "\\n"); for (;;);',
  );
  const thread = new Worker(
    `import(${JSON.stringify(module)}).then(({ runLimitedProcess }) => runLimitedProcess({
        program: new URL(${JSON.stringify(pathToFileURL(program).href)}),
        files: new Map(),
        limits: { seconds: 600, residentMb: 1024, outputBytes: 1000 },
        message: { parse: (message) => message },
        onMessage: ({ pid }) => void require("node:worker_threads").parentPort.postMessage(pid),
      }));`,
    { eval: true },
  );
  const pid = await new Promise<number>((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
  /** An ended process whose parent thread is gone is a zombie (Z). */
  const isRunning = () => {
    try {
      return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  };
  expect(isRunning()).toBe(true);
  await thread.terminate();
  // The kernel kills it; the test's own timeout limits the wait.
  while (isRunning()) await pause(20);
  await folder.remove();
});
