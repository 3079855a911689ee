import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Mermaid } from "mermaid";
import { expect, test } from "vitest";
import { requireBrowser } from "#test/support/browser.ts";

const { skip, launch } = requireBrowser();
const root = join(import.meta.dirname, "../..");
const mermaidScript = join(
  createRequire(import.meta.url).resolve("mermaid/package.json"),
  "../dist/mermaid.min.js",
);

type Diagram = { readonly place: string; readonly text: string };

/** Each mermaid block of the repository's documents, with the number of its first line. */
const readDiagrams = (): readonly Diagram[] =>
  execFileSync("git", ["ls-files", "-z", "*.md"], { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter(Boolean)
    .flatMap((file) => {
      const document = readFileSync(join(root, file), "utf8");
      return [...document.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].map(({ index, 1: text = "" }) => ({
        place: `${file}:${document.slice(0, index).split("\n").length}`,
        text,
      }));
    });

/** The errors of mermaid, each with its diagram's place. */
const renderDiagrams = async (diagrams: readonly Diagram[]): Promise<readonly string[]> => {
  await using chromium = await launch();
  const page = await chromium.context.newPage();
  await page.addScriptTag({ path: mermaidScript });
  const problems: string[] = [];
  for (const { place, text } of diagrams) {
    const problem = await page.evaluate(async (source) => {
      const { mermaid } = globalThis as unknown as { mermaid: Mermaid };
      try {
        const { svg } = await mermaid.render("diagram", source);
        return svg.startsWith("<svg") ? undefined : "no SVG";
      } catch (error) {
        return String(error);
      }
    }, text);
    if (problem !== undefined) problems.push(`${place}: ${problem}`);
  }
  return problems;
};

test.skipIf(skip)("mermaid renders every diagram of the documents", async () => {
  const diagrams = readDiagrams();
  expect(diagrams.length).toBeGreaterThan(3);
  expect(await renderDiagrams(diagrams)).toEqual([]);
});

test.skipIf(skip)("a diagram that mermaid cannot parse is reported", async () => {
  const text = "sequenceDiagram\n  A->>B: busy: wait; changed: ask again\n";
  expect(await renderDiagrams([{ place: "here", text }])).toEqual([expect.stringContaining("here: ")]);
});
