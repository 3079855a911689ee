// npm run synth | plan | apply: installs missing packages of terraform/, then runs terraform/command.ts.
// npm run cost: the same for scripts/cost.ts, which reads the synthesized stacks.
// npm run test:terraform: installs them, then runs the tests of the synthesized stacks (npm run test:long applies them).
import { ensureInstalled, root } from "./ensure-installed.mjs";
import { run } from "./run.mjs";

ensureInstalled();
ensureInstalled(`${root}terraform/`);
const [verb = "synth", ...rest] = process.argv.slice(2);
if (verb === "test")
  run(
    [`${root}node_modules/vitest/vitest.mjs`],
    ["run", "--project", "terraform", "--project", "checkov", ...rest],
  );
else if (verb === "cost") run([`${root}scripts/cost.ts`], rest);
else run([`${root}terraform/command.ts`], [verb, ...rest]);
