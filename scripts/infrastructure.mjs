// npm run synth | plan | apply: installs what terraform/ needs where it is missing, then terraform/command.ts.
// npm run test:terraform: the same, then the tests of the stacks alone, as they are written and as they are applied.
import { ensureInstalled, root } from "./ensure-installed.mjs";
import { run } from "./run.mjs";

ensureInstalled();
ensureInstalled(`${root}terraform/`);
const [verb = "synth", ...rest] = process.argv.slice(2);
if (verb === "test")
  run(
    [`${root}node_modules/vitest/vitest.mjs`],
    ["run", "--project", "terraform", "--project", "applied", ...rest],
  );
else run([`${root}terraform/command.ts`], [verb, ...rest]);
