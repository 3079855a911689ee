import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createManifestJsonSchema } from "./manifest-json-schema.ts";

test("docs/model.schema.json is up to date (otherwise run: node docs/write-model-schema.ts)", () => {
  const committed = readFileSync(new URL("../../docs/model.schema.json", import.meta.url), "utf8");
  expect(JSON.parse(committed)).toEqual(JSON.parse(JSON.stringify(createManifestJsonSchema())));
});
