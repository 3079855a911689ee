import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { readCommittedExports, readCommittedVersions } from "./committed-exports.ts";
import { type ExportedModel, exportModels } from "./export-models.ts";
import { formatServeTable } from "./format-serve-table.ts";
import { listCommittedOptions, serveCommittedExport } from "./serve-committed-export.ts";
import { serveExport } from "./serve-export.ts";

const end = "<!-- to here -->";

/** Writes a table between its marks. */
const replaceTable = (
  document: string,
  mark: "trained here" | "exported beforehand",
  table: string,
): string => {
  const start = `<!-- npm run docs:exports writes from here: ${mark} -->\n`;
  const at = document.indexOf(start) + start.length;
  return `${document.slice(0, at)}${table}\n${document.slice(document.indexOf(end, at))}`;
};

/** The options of `slipway new` beside --onnx and --data. */
const listOptions = ({ targets, group, task }: ExportedModel): readonly string[] => [
  ...targets.map((target) => `--target ${target}`),
  ...(group === null ? [] : [`--group ${group}`]),
  ...(task === undefined ? [] : [`--task ${task}`]),
];

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
    const models = join(folder.path, "models");
    // One after the other: each loads a model.
    for (const exported of await exportModels(join(folder.path, "exports")))
      rows.push({ exported, options: listOptions(exported), served: await serveExport(exported, models) });
    const committed = [];
    for (const exported of await readCommittedExports())
      committed.push({
        exported,
        options: listCommittedOptions(exported),
        served: await serveCommittedExport(exported, models),
      });
    const page = await readFile(serveTableDocument, "utf8");
    const versions = `They were exported by ${(await readCommittedVersions()).join(" and ")}.\n`;
    return {
      document: replaceTable(
        replaceTable(page, "trained here", formatServeTable(rows)),
        "exported beforehand",
        `${versions}\n${formatServeTable(committed)}`,
      ),
      differences: [...rows, ...committed].flatMap(({ exported, served }) =>
        served.differences.map((difference) => `${exported.name}: ${difference}`),
      ),
    };
  } finally {
    await folder.remove();
  }
};
