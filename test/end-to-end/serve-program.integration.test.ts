import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { predict, startServe } from "#test/support/serve-processes.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { repositoryRoot, slipwayPath } from "./fixture.ts";

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
const running: ChildProcess[] = [];
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(async () => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  await folder.remove();
});

const { rows } = readChurnGolden();
const readCommand = (pid: number | undefined) => readFile(`/proc/${pid}/cmdline`, "utf8");
const stop = async (child: ChildProcess) => {
  const closed = once(child, "close");
  child.kill("SIGTERM");
  return await closed;
};

test.runIf(process.platform === "linux")(
  "serve becomes the program that answers, under its process id, and leaves no file behind",
  async () => {
    const { child, url } = await startServe("models/churn", ["--data", join(folder.path, "data")], {
      ...process.env,
      TMPDIR: folder.path,
    });
    running.push(child);
    expect(await readCommand(child.pid)).toMatch(/serve-process\.mjs/);
    expect(await predict(url, rows)).toBeDefined();
    expect((await readdir(folder.path)).filter((name) => name.startsWith("slipway-serve-"))).toEqual([]);
    expect(await stop(child)).toEqual([0, null]);
  },
);

test("where it cannot become another program, as with a channel to its parent, serve answers from where it is", async () => {
  const data = ["--data", join(folder.path, "data")];
  const child = spawn(
    process.execPath,
    [slipwayPath, "serve", "models/churn", "--no-trial", "--json", "--port", "0", ...data],
    { cwd: repositoryRoot, stdio: ["ignore", "pipe", "inherit", "ipc"] },
  );
  running.push(child);
  if (!child.stdout) throw new TypeError("no output");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { url }: { readonly url: string } = JSON.parse(String(line));
  expect(await predict(url, rows)).toBeDefined();
  expect(await stop(child)).toEqual([0, null]);
});

test("an error of the program that serves has the form and the exit code of the command", async () => {
  const { child, url } = await startServe("models/churn", ["--data", join(folder.path, "data")]);
  running.push(child);
  const { port } = new URL(url);
  const second = spawn(
    process.execPath,
    [
      ...[slipwayPath, "serve", "models/churn", "--no-trial", "--json", "--port", port],
      ...["--data", join(folder.path, "other")],
    ],
    { cwd: repositoryRoot, stdio: ["ignore", "pipe", "ignore"] },
  );
  running.push(second);
  const ended = once(second, "close");
  const [line] = await once(createInterface({ input: second.stdout }), "line");
  expect(JSON.parse(String(line))).toMatchObject({ error: { name: "PortUnusable" } });
  expect(await ended).toEqual([3, null]);
  expect(await stop(child)).toEqual([0, null]);
});
