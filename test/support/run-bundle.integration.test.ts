import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runBundle } from "./run-bundle.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

describe("a bundle in a process of its own", () => {
  test("gets events of any size, also where it opened its standard input, which then no longer blocks", async () => {
    const folder = await createTemporaryFolder();
    try {
      const file = join(folder.path, "count.mjs");
      await writeFile(file, "process.stdin; export const handler = async (event) => event.text.length;");
      const events = [{ text: "x".repeat(8_000_000) }, { text: "y" }];
      expect(await runBundle(file, {}, events)).toMatchObject({
        answers: [8_000_000, 1],
        error: "",
        code: 0,
      });
    } finally {
      await folder.remove();
    }
  });
});
