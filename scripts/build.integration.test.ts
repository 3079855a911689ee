import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

const build = (...options: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, "build.ts"), ...options], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

test("the build prints each function's sizes; a function over the limit fails it and removes the older zip", async () => {
  const folder = await createTemporaryFolder();
  try {
    await writeFile(join(folder.path, "sweep-deliveries.zip"), "of an earlier build");
    const names = ["move-champion", "sweep-deliveries"];
    const { code, stdout, stderr } = await build("--out", folder.path, "--limit", "700000", ...names);
    expect(code).toBe(1);
    for (const name of names) expect(stdout).toMatch(new RegExp(`^${name} +\\d+ KB +\\d+ KB +\\d+ KB$`, "m"));
    expect(stderr).toContain("Over the limit of 684 KB and not written: sweep-deliveries.");
    expect(await readdir(folder.path)).toEqual(["move-champion.zip"]);
  } finally {
    await folder.remove();
  }
});
