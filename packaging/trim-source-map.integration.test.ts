import { mkdir, writeFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import { join } from "node:path";
import { build, stop } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { trimSourceMap } from "./trim-source-map.ts";

afterAll(stop);

test("a position in our code maps to our file, and one in a package to nothing", async () => {
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
    const trimmed = JSON.parse(Buffer.from(trimSourceMap(map?.contents ?? new Uint8Array())).toString());
    expect(trimmed.sources).toEqual(["step.ts"]);

    const findOriginal = (needle: string) => {
      const lines = text.slice(0, text.indexOf(needle)).split("\n");
      return new SourceMap(trimmed).findEntry(lines.length - 1, lines.at(-1)?.length ?? 0);
    };
    expect(findOriginal('"ours"')).toMatchObject({ originalSource: "step.ts", originalLine: 2 });
    expect(findOriginal("Date.now")).toMatchObject({ originalSource: "step.ts", originalLine: 2 });
    expect(findOriginal("Math.random")).not.toHaveProperty("originalSource", "step.ts");
  } finally {
    await folder.remove();
  }
});
