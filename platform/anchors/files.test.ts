import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { anchorsContract } from "#test/contracts/anchors.ts";
import { memoryAnchors } from "#test/support/memory-anchors.ts";
import { memorySigner } from "#test/support/memory-signer.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createFileAnchors } from "./files.ts";

const signer = memorySigner();
const open = (folder: string, by = signer) => createFileAnchors({ folder, signer: by, clock: Date.now });

anchorsContract("memory, for tests", async () => {
  const anchors = memoryAnchors(Date.now);
  return { anchors, elsewhere: anchors, close: async () => undefined };
});

anchorsContract("signed files", async () => {
  const folder = await createTemporaryFolder();
  return {
    anchors: open(folder.path),
    elsewhere: open(folder.path),
    close: folder.remove,
  };
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(() => folder.remove());
const head = { model: "churn", sequence: 3, hash: "a".repeat(64) };

test("a file that somebody changed, renamed, moved to another model, signed with another key or added is named as invalid", async () => {
  await open(folder.path).put(head);
  const place = join(folder.path, "churn");
  const [name = ""] = await readdir(place);
  const text = await readFile(join(place, name), "utf8");
  const invalid = async () => (await open(folder.path).list("churn")).invalid;
  expect(await invalid()).toEqual([]);

  await writeFile(join(place, name), text.replace('\\"at\\":', '\\"at\\":1'));
  expect(await invalid()).toEqual([expect.stringContaining(name)]);

  await writeFile(join(place, name), text);
  const renamed = name.replace("aaaa", "bbbb");
  await writeFile(join(place, renamed), text);
  expect(await invalid()).toEqual([expect.stringContaining(renamed)]);
  await rm(join(place, renamed));

  await writeFile(join(place, "note.txt"), "hello");
  expect(await invalid()).toEqual([expect.stringContaining("note.txt")]);
  await rm(join(place, "note.txt"));

  await cp(join(place, name), join(folder.path, "fraud", name));
  const { anchors, invalid: moved } = await open(folder.path).list("fraud");
  expect([anchors, moved]).toEqual([[], [expect.stringContaining(name)]]);

  await open(folder.path, memorySigner()).put({ ...head, sequence: 4 });
  expect(await invalid()).toEqual([expect.stringContaining("0000000004")]);
});
