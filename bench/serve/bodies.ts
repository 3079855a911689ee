import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Golden, type Row } from "#model-folder/manifest/manifest.ts";

export type Bodies = {
  /** One row each, all of them different. */
  readonly single: readonly string[];
  /** Bodies of so many rows. */
  of(rows: number): string;
};

const body = (rows: readonly Row[]) => JSON.stringify({ rows });

/** Requests of a model's golden rows. */
export const bodiesOf = async (folder: string): Promise<Bodies> => {
  const { rows } = Golden.parse(JSON.parse(await readFile(join(folder, "golden.json"), "utf8")));
  return {
    single: rows.map((row) => body([row])),
    of: (count) => body(Array.from({ length: count }, (_, at) => rows[at % rows.length] ?? {})),
  };
};

/** Texts of one to six sentences, so that their lengths are as mixed as those of real texts. */
export const mixedTexts = async (folder: string): Promise<readonly string[]> => {
  const { rows } = Golden.parse(JSON.parse(await readFile(join(folder, "golden.json"), "utf8")));
  return rows.map((_, at) => {
    const sentences = Array.from(
      { length: 1 + (at % 6) },
      (_, next) => rows[(at + next) % rows.length]?.text,
    );
    return body([{ text: sentences.join(" ") }]);
  });
};
