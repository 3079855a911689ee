import * as z from "zod";
import { type Manifest, Row } from "#model-folder/manifest/manifest.ts";

/** The file of an image that has the example; a model's folder has it in golden.json. */
export const exampleRowFile = "example.json";

/** Bytes of JSON: an image or a large tensor would fill the pages that show it. */
const maxBytes = 32_768;

const GoldenRows = z.object({ rows: z.array(Row) });

/**
 * The golden row that the API's documents show: the first one without missing values, otherwise the first. Undefined if
 * it is too large to read, or if the manifest stores no inputs: then its rows may be confidential.
 * @param golden the content of golden.json
 */
export const selectExampleRow = (
  golden: Uint8Array,
  { records }: { readonly records: Pick<Manifest["records"], "inputs"> },
): Row | undefined => {
  if (records.inputs !== "full") return undefined;
  const parsed = GoldenRows.safeParse(JSON.parse(new TextDecoder().decode(golden)));
  if (!parsed.success) return undefined;
  const { rows } = parsed.data;
  const row = rows.find((each) => Object.values(each).every((value) => value !== null)) ?? rows[0];
  return row && Buffer.byteLength(JSON.stringify(row)) <= maxBytes ? row : undefined;
};
