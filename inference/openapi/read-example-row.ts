import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";

/** The example of an image, otherwise of a model's folder; undefined if it has none. */
export const readExampleRow = async (
  folder: string,
  manifest: Pick<Manifest, "records">,
): Promise<Row | undefined> => {
  // Loaded with the first request for the API's documents, to keep cold starts short.
  const { exampleRowFile, selectExampleRow } = await import("#model-folder/rows/select-example-row.ts");
  const prepared = await readFile(join(folder, exampleRowFile)).catch(() => undefined);
  if (prepared) return JSON.parse(prepared.toString("utf8"));
  const golden = await readFile(join(folder, "golden.json")).catch(() => undefined);
  return golden && selectExampleRow(golden, manifest);
};
