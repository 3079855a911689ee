import * as z from "zod";
import { ownValue } from "#untrusted/own-value.ts";
import { Manifest } from "./manifest.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The manifest's JSON Schema (draft 2020-12) for editors: what a person may write, defaults left out. */
export const manifestSchema = (): JsonSchema => ({
  ...z.toJSONSchema(Manifest, { io: "input", target: "draft-2020-12" }),
  title: "Slipway model manifest",
  description: "models/<name>/model.yaml: what a model promises and how it is delivered",
});

const branches = (schema: JsonSchema): JsonSchema[] =>
  [schema, ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].filter((branch) => typeof branch !== "boolean");

/** Names of the fields that may stand at a path of the manifest, in whichever variant. */
export const fieldsAt = (path: readonly PropertyKey[]): string[] => {
  let here = branches(manifestSchema());
  for (const key of path)
    here = here
      .flatMap(({ properties, items }) =>
        [typeof key === "number" ? items : properties && ownValue(properties, String(key))].flat(),
      )
      .flatMap((schema) => (typeof schema === "object" ? branches(schema) : []));
  return [...new Set(here.flatMap(({ properties }) => Object.keys(properties ?? {})))];
};
