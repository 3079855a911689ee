import * as z from "zod";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { Manifest } from "./manifest.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The manifest's JSON Schema (draft 2020-12) for editors: fields with a default are optional. */
export const createManifestJsonSchema = (): JsonSchema => ({
  ...z.toJSONSchema(Manifest, { io: "input", target: "draft-2020-12" }),
  title: "Slipway model manifest",
  description: "models/<name>/model.yaml: what a model promises and how it is delivered",
});

const listBranches = (schema: JsonSchema): JsonSchema[] =>
  [schema, ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].filter((branch) => typeof branch !== "boolean");

/** Lists the fields that the manifest allows at a path, in any variant. */
export const listFields = (path: readonly PropertyKey[]): string[] => {
  let branches = listBranches(createManifestJsonSchema());
  for (const key of path)
    branches = branches
      .flatMap(({ properties, items }) =>
        [typeof key === "number" ? items : properties && getOwnProperty(properties, String(key))].flat(),
      )
      .flatMap((schema) => (typeof schema === "object" ? listBranches(schema) : []));
  return [...new Set(branches.flatMap(({ properties }) => Object.keys(properties ?? {})))];
};
