import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

/** Says on stderr what Node loads. https://nodejs.org/api/module.html#moduleregisterhooksoptions */
const loadedAloud = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({ load: (url, context, next) => { process.stderr.write(url + "\\n"); return next(url, context); } });
`)}`;

test("a command without calls to AWS loads no AWS client", async () => {
  const child = spawn(
    process.execPath,
    ["--import", loadedAloud, join(import.meta.dirname, "slipway.mjs"), "--help"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const [help, loaded, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  expect(code).toBe(0);
  expect(help).toContain("registry");
  expect(loaded).toContain("/cli/commands/registry.ts");
  expect(loaded.split("\n").filter((url) => /@aws-sdk|@smithy/.test(url))).toEqual([]);
});
