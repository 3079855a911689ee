import * as z from "zod";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { Manifest } from "./manifest.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The manifest's JSON Schema (draft 2020-12) for editors: what a person may write, defaults left out. */
export const createManifestJsonSchema = (): JsonSchema => ({
  ...z.toJSONSchema(Manifest, { io: "input", target: "draft-2020-12" }),
  title: "Slipway model manifest",
  description: "models/<name>/model.yaml: what a model promises and how it is delivered",
});

const listBranches = (schema: JsonSchema): JsonSchema[] =>
  [schema, ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].filter((branch) => typeof branch !== "boolean");

/** Names of the fields that may stand at a path of the manifest, in whichever variant. */
export const listFields = (path: readonly PropertyKey[]): string[] => {
  let here = listBranches(createManifestJsonSchema());
  for (const key of path)
    here = here
      .flatMap(({ properties, items }) =>
        [typeof key === "number" ? items : properties && getOwnProperty(properties, String(key))].flat(),
      )
      .flatMap((schema) => (typeof schema === "object" ? listBranches(schema) : []));
  return [...new Set(here.flatMap(({ properties }) => Object.keys(properties ?? {})))];
};
