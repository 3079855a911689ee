import { readFile, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { describeBuild, isFreshBuild, openServeBundle } from "./serve-bundle.ts";

const root = join(import.meta.dirname, "..");
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(() => folder.remove());

/** A build of one source, as the builder describes it. */
const buildOneSource = async () => {
  const source = join(folder.path, "source.ts");
  await writeFile(source, "one");
  return { source, build: describeBuild(folder.path, [relative(root, source), "package-lock.json"]) };
};

test("a build is used again while nothing has changed that it was made of", async () => {
  const { build } = await buildOneSource();
  expect(isFreshBuild(build)).toBe(true);
});

test("a source of another size or time makes a new build necessary, and so does one that is gone", async () => {
  const { source, build } = await buildOneSource();
  const [, changedAt] = build.inputs[relative(root, source)] ?? [0, 0];
  await writeFile(source, "three");
  await utimes(source, changedAt / 1_000, changedAt / 1_000);
  expect(isFreshBuild(build)).toBe(false);
  await writeFile(source, "two");
  await utimes(source, 1, 1);
  expect(isFreshBuild(build)).toBe(false);
  const missing = { ...build, inputs: { ...build.inputs, "no-such-file.ts": [1, 1] as [number, number] } };
  expect(isFreshBuild(missing)).toBe(false);
});

test("a build of another installation, another Node or without its files is not used", async () => {
  const { build } = await buildOneSource();
  expect(isFreshBuild({ ...build, root: "/elsewhere/" })).toBe(false);
  expect(isFreshBuild({ ...build, node: "v1.0.0" })).toBe(false);
  expect(isFreshBuild({ ...build, folder: join(folder.path, "gone") })).toBe(false);
});

/** The files that a program of the bundle loads at its start, with their contents. */
const readStartFiles = async (program: string): Promise<ReadonlyMap<string, string>> => {
  const files = new Map<string, string>();
  const read = async (path: string): Promise<void> => {
    if (files.has(basename(path))) return;
    const text = await readFile(path, "utf8");
    files.set(basename(path), text);
    for (const [, name = ""] of text.matchAll(/(?:from|import)"\.\/([^"]+\.mjs)"/g))
      await read(join(dirname(path), name));
  };
  await read(program);
  return files;
};

test("what answers requests starts without the parsers, the compiler, esbuild, Slack and AWS's clients", async () => {
  const program = (await openServeBundle()) ?? "";
  for (const name of ["serve-process", "serve-worker-process", "offload-process"]) {
    const text = [...(await readStartFiles(join(dirname(program), `${name}.mjs`))).values()].join("\n");
    expect(text.length, name).toBeGreaterThan(50_000);
    for (const foreign of [
      "yaml.org,2002",
      "PbfReader",
      "TreeEnsemble",
      "esbuild",
      "ServiceException",
      "Commander",
    ])
      expect(text, name).not.toContain(foreign);
  }
});
