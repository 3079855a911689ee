import { randomBytes } from "node:crypto";
import { renameSync, rmSync, writeFileSync } from "node:fs";

const ignore = (): void => undefined;

/**
 * Writes all files, or none: each beside its place first, then all are renamed. Synchronous and with Ctrl-C held back, so
 * that nothing comes between.
 * @param files new contents by their absolute path
 */
export const writeFiles = (files: ReadonlyMap<string, string>): void => {
  const suffix = randomBytes(4).toString("hex");
  const prepared = [...files].map(([path, text]) => ({ path, text, temporary: `${path}.${suffix}.new` }));
  process.on("SIGINT", ignore);
  try {
    for (const { temporary, text } of prepared) writeFileSync(temporary, text, { flag: "wx" });
    for (const { temporary, path } of prepared) renameSync(temporary, path);
  } finally {
    for (const { temporary } of prepared) rmSync(temporary, { force: true });
    process.off("SIGINT", ignore);
  }
};
