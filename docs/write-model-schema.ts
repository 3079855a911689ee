/** Writes docs/model.schema.json from the manifest's zod schema: `node docs/write-model-schema.ts`. */
import { writeFileSync } from "node:fs";
import { createManifestJsonSchema } from "#model-folder/manifest/manifest-json-schema.ts";

writeFileSync(
  new URL("model.schema.json", import.meta.url),
  `${JSON.stringify(createManifestJsonSchema(), null, 2)}\n`,
);
