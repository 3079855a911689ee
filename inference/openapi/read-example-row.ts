import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";

/** Synchronous, because a function's start would wait 3 ms for node:fs/promises. */
const readIfPresent = (path: string): Buffer | undefined => {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
};

/** The example of an image, otherwise of a model's folder; undefined if it has none. */
export const readExampleRow = async (
  folder: string,
  manifest: Pick<Manifest, "records">,
): Promise<Row | undefined> => {
  // Loaded with the first request for the API's documents, to keep cold starts short.
  const { exampleRowFile, selectExampleRow } = await import("#model-folder/rows/select-example-row.ts");
  const prepared = readIfPresent(join(folder, exampleRowFile));
  if (prepared) return JSON.parse(prepared.toString("utf8"));
  const golden = readIfPresent(join(folder, "golden.json"));
  return golden && selectExampleRow(golden, manifest);
};
