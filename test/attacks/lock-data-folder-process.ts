/** Acquires a data folder, prints the result as one line of JSON, and holds it until its stdin ends. */
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { acquireDataFolder } from "#worlds/embedded/data/data-folder-ownership.ts";

const [root = "", url] = process.argv.slice(2);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
try {
  const ownership = acquireDataFolder(resolveDataFolder(root), { command: "rehearse", now: Date.now() });
  if (url !== undefined) ownership.announce(url);
  say({ owns: true, pid: process.pid });
  process.stdin.on("end", () => {
    ownership.release();
    process.exit(0);
  });
  process.stdin.resume();
} catch (error) {
  say(error instanceof Error ? { owns: false, name: error.name, message: error.message } : { owns: false });
}
