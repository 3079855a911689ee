import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderEmoji } from "./emoji.ts";

const root = join(import.meta.dirname, "../../..");
/** Texts for Slack: the folder that renders them, and the rules that write sentences for it. */
const folders = ["slack", "domain/message", "domain/canary", "lambdas/notify", "lambdas/answer-approval"];
const namesIn = (source: string) =>
  [...source.matchAll(/["'`\s]:([a-z][a-z_]{3,40}):(?=["'`\s])/g)].map(([, name]) => name ?? "");

test("the desk has a picture for every emoji that a message uses", () => {
  const sources = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .map((file) => readFileSync(join(root, folder, file), "utf8")),
  );
  const names = new Set(sources.flatMap(namesIn));
  expect(names).toContain("rocket");
  expect(names.size).toBeGreaterThan(12);
  expect([...names].filter((name) => renderEmoji(name) === undefined)).toEqual([]);
});
