import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Fixture } from "./fixture.ts";

/** Files with the keys themselves: unencrypted by design, and readable only by their owner. */
const keyFiles = /^(cipher\.key|secrets\.env)$/;

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;

const listFiles = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? listFiles(join(folder, entry.name))
      : entry.isFile()
        ? [join(folder, entry.name)]
        : [],
  );

/**
 * Places of the fixture's secrets and of task tokens: in all output of its processes, on its pages, and in every file that
 * they left. Databases are searched as bytes, so encrypted values are not found.
 */
export const findSecrets = (fixture: Fixture): string[] => {
  const values = Object.entries(fixture.secrets);
  const inOutputs = fixture.outputs.flatMap(({ where, text }) => [
    ...values.filter(([, value]) => text.includes(value)).map(([name]) => `${name} in ${where}`),
    ...(/task.?token/i.test(text) ? [`a task token in ${where}`] : []),
    // The embedded engine's tokens are UUIDs, and no process prints other UUIDs.
    ...(/^std(out|err) /.test(where) && uuid.test(text) ? [`a possible task token in ${where}`] : []),
  ]);
  const inFiles = listFiles(fixture.data)
    .filter((file) => !keyFiles.test(relative(fixture.data, file)) && statSync(file).size < 200_000_000)
    .filter((file) => !relative(fixture.data, file).startsWith("images/"))
    .flatMap((file) => {
      const bytes = readFileSync(file);
      return values
        .filter(([, value]) => bytes.includes(value))
        .map(([name]) => `${name} in ${relative(fixture.data, file)}`);
    });
  return [...inOutputs, ...inFiles];
};
