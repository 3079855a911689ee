// npm start: installs missing packages, then runs `slipway rehearse`.
import { root } from "./ensure-installed.mjs";
import { run } from "./run.mjs";

run([`${root}cli/slipway.ts`, "rehearse"], process.argv.slice(2));
