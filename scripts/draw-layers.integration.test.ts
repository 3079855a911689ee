import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawLayers } from "./draw-layers.ts";

test("the drawing in docs/architecture.md matches the imports: otherwise run `npm run docs:layers`", () => {
  const text = readFileSync(new URL("../docs/architecture.md", import.meta.url), "utf8");
  expect(text).toBe(drawLayers(text));
});
