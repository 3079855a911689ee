import { access, policiesOf } from "./access.ts";
import { recording } from "./recording.ts";
import { resourcesOf, writtenStacks } from "./written-stacks.ts";

const w = await writtenStacks((s) => ({ ...s, tooling: { ...s.tooling, account: "123456789012" } }));
const ps = policiesOf(w);
console.log(ps.map((p) => p.kind + " " + p.of).join("\n"));
const a = access(
  ps,
  new Map(
    resourcesOf(w, "aws_s3_bucket").map(([s, , b]) => [
      "arn:aws:s3:::" + b.bucket,
      w.accounts[s.endsWith("prod") ? "prod" : s.endsWith("stage") ? "stage" : "tooling"].account,
    ]),
  ),
);
const r = await recording();
console.time("v");
for (const x of r) {
  const ask = { principal: x.role, action: x.action, resource: x.resource, context: x.context };
  const res = await a.answer(ask);
  const u = a.allows(ask);
  if (res !== "Allowed" || !u) console.log(res, u, JSON.stringify(x));
}
console.timeEnd("v");
console.time("u");
for (const x of r)
  a.allows({ principal: x.role, action: x.action, resource: x.resource, context: x.context });
console.timeEnd("u");
await w.remove();
