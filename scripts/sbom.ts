/**
 * Writes the product's SBOM as CycloneDX 1.6 JSON.
 *   npm run sbom -- --out slipway.cdx.json --version 1.2.0
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import * as z from "zod";
import { createProductSbom } from "./product-sbom.ts";
import { readGoModules } from "./read-go-modules.ts";
import { readProductPackages } from "./read-product-packages.ts";

const ownPackage = z
  .object({ version: z.string() })
  .parse(JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")));
const { values } = parseArgs({
  options: {
    out: { type: "string", default: "slipway.cdx.json" },
    version: { type: "string", default: ownPackage.version },
  },
});
const packages = await readProductPackages();
const modules = await readGoModules();
await writeFile(values.out, createProductSbom({ version: values.version, packages, modules }));
process.stdout.write(`${packages.length} packages and ${modules.length} Go modules in ${values.out}\n`);
