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

/** Texts of one to six sentences, so that their lengths are as mixed as those of real texts. */
export const buildMixedTexts = async (folder: string): Promise<readonly string[]> => {
  const { rows } = Golden.parse(JSON.parse(await readFile(join(folder, "golden.json"), "utf8")));
  return rows.map((_, at) => {
    const sentences = Array.from(
      { length: 1 + (at % 6) },
      (_, next) => rows[(at + next) % rows.length]?.text,
    );
    return formatBody([{ text: sentences.join(" ") }]);
  });
};
