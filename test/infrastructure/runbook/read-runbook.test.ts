import { expect, test } from "vitest";
import { readRunbook } from "./read-runbook.ts";

test("the numbered steps of a section have the commands of their sh blocks, with notes about their output", () => {
  const document = [
    "# A page",
    "## A first deployment",
    "1. **Digests.** Two of them:",
    "   ```sh",
    "   crane digest one   # → images.one",
    "   aws ssm put-parameter --value …   # not a target",
    "   ```",
    "2. By hand:",
    "   ```json",
    '   { "no": "command" }',
    "   ```",
    "### Another part",
    "3. **Not a step.**",
  ].join("\n");
  expect(readRunbook(document, "A first deployment")).toEqual([
    {
      number: 1,
      title: "Digests.",
      commands: [
        { command: "crane digest one", outputTo: "images.one" },
        { command: "aws ssm put-parameter --value …" },
      ],
    },
    { number: 2, title: "", commands: [] },
  ]);
});
