import { execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createWatchedRepository } from "./watched-repository.ts";

let temporary: Awaited<ReturnType<typeof createTemporaryFolder>>;
let repository: ReturnType<typeof createWatchedRepository>;
const inFolder = (path: string) => join(temporary.path, "repository", path);
beforeEach(async () => {
  temporary = await createTemporaryFolder();
  const checkout = join(temporary.path, "checkout");
  const files = {
    "policy.yaml": "the floor",
    "models/toy/model.yaml": "name: toy\r\n",
    "models/toy/model.onnx": "x".repeat(5_000),
    "models/toy/holdout.csv": "x,label\r\n1,yes\r\n",
    "seed/toy/versions/better/model.onnx": "better",
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(checkout, path, ".."), { recursive: true });
    await writeFile(join(checkout, path), text);
  }
  repository = createWatchedRepository({ folder: join(temporary.path, "repository"), checkout });
});
afterEach(() => temporary.remove());

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
const git = (...args: string[]) =>
  execFileSync("git", args, { cwd: inFolder("."), env, encoding: "utf8" }).trim();

test("a new repository contains only the policy, and a second prepare changes nothing", async () => {
  await repository.prepare();
  const head = await repository.head();
  expect(git("ls-files").split("\n")).toEqual([".gitattributes", "policy.yaml"]);
  await writeFile(inFolder(".git/index.lock"), "");
  await repository.prepare();
  expect(await repository.head()).toBe(head);
});

test("a change is one commit by its author with identical bytes, and a repeated change makes no commit", async () => {
  await repository.prepare();
  const first = await repository.commitChange("toy", "first", { name: "Sam", email: "sam@example.com" });
  expect(first).toBe(await repository.head());
  expect(git("log", "-1", "--format=%ae %s")).toBe("sam@example.com toy: the first version");
  expect(git("cat-file", "-s", "HEAD:models/toy/holdout.csv")).toBe("16");
  expect(await repository.commitChange("toy", "first")).toBeUndefined();
  await repository.commitChange("toy", "better");
  expect(await readFile(inFolder("models/toy/model.onnx"), "utf8")).toBe("better");
  expect(git("diff", "--name-only", "HEAD~1")).toBe("models/toy/model.onnx");
});

test("a broken change truncates the ONNX file", async () => {
  await repository.prepare();
  await repository.commitChange("toy", "first");
  await repository.commitChange("toy", "broken");
  expect((await readFile(inFolder("models/toy/model.onnx"))).length).toBe(1_000);
});

test("an impossible change fails with ChangeUnknown and commits nothing", async () => {
  await repository.prepare();
  const head = await repository.head();
  for (const [model, change] of [
    ["nosuch", "first"],
    ["toy", "broken"],
    ["toy", "better"],
    ["toy", "worse"],
  ] as const)
    await expect(repository.commitChange(model, change)).rejects.toMatchObject({ name: "ChangeUnknown" });
  expect(await repository.head()).toBe(head);
  expect(git("status", "--porcelain")).toBe("");
  expect([await repository.hasVersion("toy", "better"), await repository.hasVersion("toy", "worse")]).toEqual(
    [true, false],
  );
});

test("the watcher reports a commit after the branch has moved", async () => {
  await repository.prepare();
  const before = await repository.head();
  const seen = Promise.withResolvers<void>();
  const watcher = repository.watch(async () => {
    if ((await repository.head()) !== before) seen.resolve();
  });
  await repository.commitChange("toy", "first");
  await seen.promise;
  watcher.close();
});
