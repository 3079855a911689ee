// npm start: installs what is missing, then `slipway rehearse`.
import { root } from "./ensure-installed.mjs";
import { run } from "./run.mjs";

run([`${root}cli/slipway.ts`, "rehearse"], process.argv.slice(2));
