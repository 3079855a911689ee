// npm run synth: writes terraform/cdktf.out from terraform/config.ts. Asks nothing of AWS and needs no credentials.
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { slipwayApp } from "./app.ts";
import { config } from "./config.ts";
import { deployedFunctions } from "./functions.ts";
import { ConfigInvalid, readConfig } from "./read-config.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = here("cdktf.out");

try {
  const accounts = readConfig(config);
  rmSync(folder, { recursive: true, force: true });
  const app = slipwayApp({
    accounts,
    functions: await deployedFunctions(),
    folder,
    built: here("../dist"),
  });
  app.synth();
  console.log(`The stacks are in ${folder}/stacks.`);
} catch (fault) {
  if (!(fault instanceof ConfigInvalid)) throw fault;
  console.error(fault.message);
  process.exitCode = 1;
}
