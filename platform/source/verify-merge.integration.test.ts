import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { ModelFilesRefused } from "./source.ts";
import { mergeLines, verifyMerge } from "./verify-merge.ts";

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeAll(async () => {
  folder = await createTemporaryFolder();
});
afterAll(() => folder.remove());

/** As git merges three files; undefined: a conflict. */
const mergeWithGit = (ours: string, base: string, theirs: string): string | undefined => {
  const names = ["ours", "base", "theirs"];
  for (const [index, content] of [ours, base, theirs].entries())
    writeFileSync(join(folder.path, names[index] ?? ""), content);
  const { status, stdout } = spawnSync("git", ["merge-file", "-p", ...names], {
    cwd: folder.path,
    encoding: "utf8",
  });
  return status === 0 ? stdout : undefined;
};

const line = fc.constantFrom("a\n", "b\n", "c\n", "d\n", "e\n", "a", "\n");
const text = fc.array(line, { maxLength: 14 }).map((lines) => lines.join(""));
/** A text, and two others with a few changed lines; `alike`: a line may repeat. */
const sides = (alike: boolean) =>
  fc
    .array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 16 })
    .map((lines) => (alike ? lines : lines.map((_, index) => String(index))))
    .chain((base) => {
      const edit = fc.record({
        at: fc.nat(base.length),
        removed: fc.nat(2),
        added: fc.array(fc.constantFrom("x", "y", "a"), { maxLength: 2 }),
      });
      const side = fc.array(edit, { maxLength: 3 }).map((edits) => {
        const lines = [...base];
        for (const { at, removed, added } of edits) lines.splice(at, removed, ...added);
        return lines;
      });
      return fc.tuple(fc.constant(base), side, side);
    })
    .map((texts) => texts.map((lines) => lines.map((one) => `${one}\n`).join("")));

describe("merging lines", () => {
  test.each([
    ["differ", false],
    ["are alike", true],
  ])("gives git's result or refuses where lines %s", (_, alike) => {
    let compared = 0;
    fc.assert(
      fc.property(sides(alike), ([base = "", ours = "", theirs = ""]) => {
        const merged = mergeLines(base, ours, theirs);
        if (merged === undefined) return;
        compared++;
        expect(merged).toBe(mergeWithGit(ours, base, theirs));
      }),
      { numRuns: 150 },
    );
    expect(compared).toBeGreaterThan(20);
  });

  test("gives one side if the other changed nothing, or refuses, and each line comes from a side", () => {
    fc.assert(
      fc.property(text, text, text, (base, ours, theirs) => {
        expect([ours, undefined]).toContain(mergeLines(base, ours, base));
        expect([theirs, undefined]).toContain(mergeLines(base, base, theirs));
        const known = new Set([base, ours, theirs].flatMap((one) => one.split("\n")));
        for (const one of mergeLines(base, ours, theirs)?.split("\n") ?? []) expect(known).toContain(one);
      }),
    );
  });

  test("refuses texts that differ in more than 500 lines", () => {
    const many = (mark: string) =>
      Array.from({ length: 20_000 }, (_, index) => `${index % 7}${mark}\n`).join("");
    expect(mergeLines(many("a"), many("b"), many("c"))).toBeUndefined();
  });
});

describe("a merge of a file that both sides changed", () => {
  const made = (contents: Readonly<Record<string, Uint8Array | undefined>>, bytes?: number) => {
    const file = (blob: string) => ({ mode: "100644", blob, ...(bytes === undefined ? {} : { bytes }) });
    const side = (blob: string) => new Map([["a", { before: file("base"), after: file(blob) }]]);
    const read: string[] = [];
    const asked = verifyMerge({
      ours: side("ours"),
      theirs: side("theirs"),
      merged: side("merged"),
      read: async ({ blob }) => {
        read.push(blob);
        const bytes = contents[blob];
        if (bytes === undefined) throw new ModelFilesRefused("too large");
        return bytes;
      },
    });
    return asked.then((isMerge) => ({ isMerge, read }));
  };
  const of = (merged: string) => ({
    base: Buffer.from("1\n2\n3\n"),
    ours: Buffer.from("one\n2\n3\n"),
    theirs: Buffer.from("1\n2\nthree\n"),
    merged: Buffer.from(merged),
  });

  test("is recognised by its lines", async () => {
    expect((await made(of("one\n2\nthree\n"))).isMerge).toBe(true);
    expect((await made(of("one\n2\nfour\n"))).isMerge).toBe(false);
  });

  test("is unknown for a file that is not text, is larger than a mebibyte or than the host returns", async () => {
    const clean = of("one\n2\nthree\n");
    expect((await made({ ...clean, base: Buffer.from("1\n2\n3\n\0") })).isMerge).toBe(false);
    expect((await made({ ...clean, theirs: undefined })).isMerge).toBe(false);
    expect(await made(clean, 1024 * 1024 + 1)).toEqual({ isMerge: false, read: [] });
  });
});
