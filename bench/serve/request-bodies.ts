import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Golden, type Row } from "#model-folder/manifest/manifest.ts";

type RequestBodies = {
  /** One row each, all different. */
  readonly single: readonly string[];
  /** A body with this number of rows. */
  of(rows: number): string;
};

const formatBody = (rows: readonly Row[]) => JSON.stringify({ rows });

/** Requests of a model's golden rows. */
export const readRequestBodies = async (folder: string): Promise<RequestBodies> => {
  const { rows } = Golden.parse(JSON.parse(await readFile(join(folder, "golden.json"), "utf8")));
  return {
    single: rows.map((row) => formatBody([row])),
    of: (count) => formatBody(Array.from({ length: count }, (_, at) => rows[at % rows.length] ?? {})),
  };
};
