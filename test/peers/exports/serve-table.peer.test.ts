import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { requirePython } from "#test/peers/python-environment.ts";
import { buildServeTable, serveTableDocument } from "./serve-table.ts";

describe.skipIf(requirePython("exports of every library that docs/what-can-i-serve.md lists").skip)(
  "docs/what-can-i-serve.md",
  () => {
    test("every export is served without an edit and predicts like its library; otherwise the table is old: npm run docs:exports", async () => {
      const { document, differences } = await buildServeTable();
      expect(differences).toEqual([]);
      expect(document).toBe(await readFile(serveTableDocument, "utf8"));
    });
  },
);
