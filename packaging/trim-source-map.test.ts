import { mkdir, writeFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import { join } from "node:path";
import { build, stop } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { trimSourceMap } from "./trim-source-map.ts";

afterAll(stop);

test("a thrown error's place leads to our file, and a package's line to nothing", async () => {
  const folder = await createTemporaryFolder();
  try {
    const theirs = join(folder.path, "node_modules", "theirs");
    await mkdir(theirs, { recursive: true });
    await writeFile(
      join(theirs, "index.js"),
      "export const theirs = (text) => [text].concat(Math.random());\n",
    );
    await writeFile(
      join(folder.path, "step.ts"),
      'import { theirs } from "theirs";\n\nexport const ours = () => theirs("ours" + Date.now());\n',
    );
    const { outputFiles } = await build({
      absWorkingDir: folder.path,
      entryPoints: ["./step.ts"],
      outfile: "index.mjs",
      write: false,
      bundle: true,
      format: "esm",
      minify: true,
      sourcemap: "external",
      sourcesContent: false,
    });
    const [map, code] = outputFiles;
    const text = code?.text ?? "";
    const own = JSON.parse(Buffer.from(trimSourceMap(map?.contents ?? new Uint8Array())).toString());
    expect(own.sources).toEqual(["step.ts"]);

    const at = (needle: string) => {
      const lines = text.slice(0, text.indexOf(needle)).split("\n");
      return new SourceMap(own).findEntry(lines.length - 1, lines.at(-1)?.length ?? 0);
    };
    expect(at('"ours"')).toMatchObject({ originalSource: "step.ts", originalLine: 2 });
    expect(at("Math.random")).not.toHaveProperty("originalSource", "step.ts");
  } finally {
    await folder.remove();
  }
});
