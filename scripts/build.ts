// npm run build [-- names]: dist/<verb-noun>.zip for each function, as Terraform uploads it. predict has no zip: it goes into an
// image together with a model; of its layer that all images share, dist/runtime.digest has the content hash, for start-delivery.
// dist/builder.tar is the code that builds images, which Terraform uploads and pins.
import { createWriteStream } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { stop } from "esbuild";
import { packBuilder } from "#packaging/builder-archive.ts";
import { bundleHandler } from "#packaging/bundle-handler.ts";
import { computeRuntimeDigest } from "#packaging/compute-runtime-digest.ts";
import { listFunctionNames } from "#packaging/list-function-names.ts";
import { zipFunction } from "#packaging/zip-function.ts";
import { config } from "#terraform/config.ts";

/** 1.1 MB: what the sweep may put back it verifies first, for which it reads S3 (docs/decisions/13). */
const defaultLimitBytes = 1_153_434;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Where the zips go. */
    out: { type: "string", default: join(import.meta.dirname, "..", "dist") },
    /** What a function's code with its map may have at most, unpacked, in bytes. */
    limit: { type: "string", default: String(defaultLimitBytes) },
  },
});
const limit = Number(values.limit);
const formatColumns = (...texts: readonly (string | number)[]) =>
  texts.map((text, at) => (at === 0 ? String(text).padEnd(20) : String(text).padStart(10))).join("");
const formatKilobytes = (bytes: number) => `${Math.ceil(bytes / 1_024)} KB`;

await mkdir(values.out, { recursive: true });
const tooLarge: string[] = [];
process.stdout.write(`${formatColumns("function", "code", "map", "zip")}\n`);
try {
  for (const name of positionals.length > 0 ? positionals : listFunctionNames()) {
    const { code, map } = await bundleHandler(name);
    const zip = zipFunction({ "index.mjs": code, "index.mjs.map": map });
    process.stdout.write(
      `${formatColumns(name, ...[code, map, zip].map(({ length }) => formatKilobytes(length)))}\n`,
    );
    const path = join(values.out, `${name}.zip`);
    if (code.length + map.length > limit) {
      tooLarge.push(name);
      // What an earlier build left is not this function any more.
      await rm(path, { force: true });
    } else await writeFile(path, zip);
  }
  if (positionals.length === 0) {
    const platform = config.tooling.images.architecture === "arm64" ? "linux/arm64" : "linux/x64";
    await writeFile(join(values.out, "runtime.digest"), `${await computeRuntimeDigest(platform)}\n`);
    await pipeline(await packBuilder(), createWriteStream(join(values.out, "builder.tar")));
  }
} finally {
  await stop();
}
if (tooLarge.length > 0) {
  const which = tooLarge.join(", ");
  process.stderr.write(`Over ${formatKilobytes(limit)}, and so not written: ${which}. What went in?\n`);
  process.exitCode = 1;
}
