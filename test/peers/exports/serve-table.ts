import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { exportModels } from "./export-models.ts";
import { formatServeTable } from "./format-serve-table.ts";
import { serveExport } from "./serve-export.ts";

const start = "<!-- npm run docs:exports writes from here -->\n";
const end = "<!-- to here -->";
export const serveTableDocument = fileURLToPath(
  new URL("../../../docs/what-can-i-serve.md", import.meta.url),
);

/** Trains, exports and serves every model of the table. Returns the document with its table, and each difference. */
export const buildServeTable = async (): Promise<{
  readonly document: string;
  readonly differences: readonly string[];
}> => {
  const folder = await createTemporaryFolder();
  try {
    const rows = [];
    // One after the other: each loads a model.
    for (const exported of await exportModels(join(folder.path, "exports")))
      rows.push({ exported, served: await serveExport(exported, join(folder.path, "models")) });
    const document = await readFile(serveTableDocument, "utf8");
    const before = document.slice(0, document.indexOf(start) + start.length);
    const after = document.slice(document.indexOf(end));
    return {
      document: `${before}${formatServeTable(rows)}\n${after}`,
      differences: rows.flatMap(({ exported, served }) =>
        served.differences.map((difference) => `${exported.name}: ${difference}`),
      ),
    };
  } finally {
    await folder.remove();
  }
};
