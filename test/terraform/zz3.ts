import { proof } from "./proof.ts";
import { recording } from "./recording.ts";
import { writtenStacks } from "./written-stacks.ts";

const w = await writtenStacks((s) => ({ ...s, tooling: { ...s.tooling, account: "123456789012" } }));
console.time("t");
const p = proof(w, await recording());
console.timeLog("t");
for (const x of p.allowed) if (!p.inForce.allows(x.ask, x.side)) console.log("DENIED", JSON.stringify(x));
console.log("allowed", p.allowed.length, "ofOthers", p.ofOthers.length, "beside", p.beside.length);
const oo = p.ofOthers.filter((x) => p.inForce.allows(x.ask, x.side));
console.log("over", oo.length);
for (const x of oo)
  console.log(
    "OVER",
    x.ask.principal.split("/")[1],
    x.ask.action,
    x.ask.resource,
    JSON.stringify(x.ask.context),
  );
const bb = p.beside.filter((x) => p.inForce.allows(x.ask, x.side));
console.log("besideAllowed", bb.length);
for (const x of bb)
  console.log("BES", x.side, x.ask.principal, x.ask.action, x.ask.resource, JSON.stringify(x.ask.context));
console.timeLog("t");
const un = p.mutations.filter((m) => !p.noticed(m));
console.timeLog("t");
const by = Object.groupBy(p.mutations, (m) => m.kind);
console.log(
  Object.entries(by)
    .map(([k, v]) => k + " " + v!.length)
    .join(", "),
);
console.log("mutations", p.mutations.length, "unnoticed", un.length);
for (const m of un) console.log("UN", m.kind, "|", m.what);
await w.remove();
