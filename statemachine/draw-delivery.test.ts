import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawDelivery } from "./draw-delivery.ts";

test("docs/delivery.md matches the definition: otherwise run `npm run docs:machine`", () =>
  expect(readFileSync(new URL("../docs/delivery.md", import.meta.url), "utf8")).toBe(drawDelivery()));
