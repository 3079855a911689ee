import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Does what its event says: `{ do: "echo" | "throw" | "exit" | "hang" | "allocate" | "allocate-native" | "print" | "environment" }`. */
const handler = `
export const handler = async (event, context) => {
  switch (event.do) {
    case "throw": throw new TypeError("asked to throw");
    case "exit": process.exit(3);
    case "hang": for (;;) {}
    case "allocate": { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); }
    case "allocate-native": { const all = []; for (;;) all.push(Buffer.alloc(1e7, 1)); }
    case "print": for (const line of event.lines) console.log(line); console.error("to stderr"); break;
    case "environment": return { ...process.env };
    case "overlap": {
      const before = globalThis.running ?? 0; globalThis.running = before + 1;
      await new Promise((done) => setTimeout(done, 5)); globalThis.running--;
      return { before, pid: process.pid };
    }
  }
  return { version: context.functionVersion, pid: process.pid, answered: event.body ?? null, event };
};`;

/** An unpacked image of a function that does what its event says, for tests of function hosts. */
export const createScriptedFunction = async (
  source = handler,
): Promise<{ root: string; remove: () => Promise<void> }> => {
  const root = await mkdtemp(join(tmpdir(), "slipway-plain-"));
  await mkdir(join(root, "var", "task"), { recursive: true });
  await writeFile(join(root, "var", "task", "index.mjs"), source);
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
};
