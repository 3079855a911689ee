/** Writes the table of docs/what-can-i-serve.md: `npm run docs:exports`. Needs Python; the first run installs libraries. */
import { writeFile } from "node:fs/promises";
import { buildServeTable, serveTableDocument } from "#test/peers/exports/serve-table.ts";

const { document, differences } = await buildServeTable();
for (const difference of differences) console.error(difference);
if (differences.length > 0) process.exitCode = 1;
else await writeFile(serveTableDocument, document);
