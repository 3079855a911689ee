/** One attack in a separate process: `node run-attack.ts <name> <seconds>`, its target as JSON on standard input. */
import { text } from "node:stream/consumers";
import { type AttackTarget, attacks } from "./attacks.ts";

const [name = "", seconds = "0"] = process.argv.slice(2);
const target: AttackTarget = JSON.parse(await text(process.stdin));
const attack = attacks[name];
if (!attack) throw new TypeError(`there is no attack named ${name}`);
await attack(target, AbortSignal.timeout(Number(seconds) * 1_000));
process.exit(0);
