// npm run build [-- names]: writes dist/<verb-noun>.zip for each function, which Terraform uploads. predict has no zip,
// because it is part of each model's image; dist/runtime.digest has the content hash of the images' shared layer, for
// start-delivery. dist/builder.tar is the code that builds images; Terraform uploads it and pins its digest.
import { createWriteStream } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { stop } from "esbuild";
import { packBuilder } from "#packaging/builder-archive.ts";
import { bundleHandler } from "#packaging/bundle-handler.ts";
import { computeRuntimeDigest } from "#packaging/compute-runtime-digest.ts";
import { zipFunction } from "#packaging/zip-function.ts";
import { config } from "#terraform/config.ts";
import { listFunctionNames } from "#terraform/deployed-functions.ts";

/**
 * 1.275 MB: the sweep verifies what it restores, with the S3 client (docs/decisions/13), tells people in Slack, also in the
 * simpler forms that Slack takes, judges votes and requests that waited for Slack, and records the audit trails.
 */
const defaultLimitBytes = 1_275_000;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** The folder for the zips. */
    out: { type: "string", default: join(import.meta.dirname, "..", "dist") },
    /** The limit for a function's code and source map, unpacked, in bytes. */
    limit: { type: "string", default: String(defaultLimitBytes) },
  },
});
const limit = Number(values.limit);
const formatColumns = (...texts: readonly (string | number)[]) =>
  texts.map((text, index) => (index === 0 ? String(text).padEnd(20) : String(text).padStart(10))).join("");
const formatKilobytes = (bytes: number) => `${Math.ceil(bytes / 1_024)} KB`;

await mkdir(values.out, { recursive: true });
const tooLarge: string[] = [];
process.stdout.write(`${formatColumns("function", "code", "map", "zip")}\n`);
try {
  for (const name of positionals.length > 0 ? positionals : listFunctionNames()) {
    const { code, map, files } = await bundleHandler(name);
    const zip = zipFunction({ "index.mjs": code, "index.mjs.map": map, ...files });
    process.stdout.write(
      `${formatColumns(name, ...[code, map, zip].map(({ length }) => formatKilobytes(length)))}\n`,
    );
    const path = join(values.out, `${name}.zip`);
    if (code.length + map.length > limit) {
      tooLarge.push(name);
      // An earlier build's zip is outdated.
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
  const names = tooLarge.join(", ");
  process.stderr.write(
    `Over the limit of ${formatKilobytes(limit)} and not written: ${names}. Check what these functions import.\n`,
  );
  process.exitCode = 1;
}
