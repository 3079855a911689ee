import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createEventJsonSchema } from "./event-json-schema.ts";
import { detailTypes, SlipwayEvent } from "./events.ts";

const documentation = readFileSync(new URL("../../docs/events.md", import.meta.url), "utf8");

test("docs/event.schema.json is up to date (otherwise run: node docs/write-event-schema.ts)", () => {
  const committed = readFileSync(new URL("../../docs/event.schema.json", import.meta.url), "utf8");
  expect(JSON.parse(committed)).toEqual(JSON.parse(JSON.stringify(createEventJsonSchema())));
});

test("docs/events.md names each type with its detail type and its fields", () => {
  for (const { shape } of SlipwayEvent.options) {
    const [type] = shape.type.values;
    if (type === undefined) throw new Error("a type without a name");
    const row = documentation.split("\n").find((line) => line.startsWith(`| \`${detailTypes[type]}\``));
    expect(row, type).toContain(`\`${type}\``);
    const common = ["version", "id", "type", "at", "model", "delivery", "commit"];
    for (const field of Object.keys(shape).filter((name) => !common.includes(name)))
      expect(row, type).toContain(`\`${field}\``);
  }
});
