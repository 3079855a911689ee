import type { Command } from "commander";

/** Command lines of each command by its path; a test reads each with the command's own parser. */
const examples: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "rehearse",
    [
      "slipway rehearse --model churn",
      "slipway rehearse --approve --fresh",
      "slipway rehearse --change better",
    ],
  ],
  ["status", ["slipway status churn", "slipway status --watch", "slipway status --world aws --json"]],
  ["predict", ["slipway predict churn", "slipway predict churn --rows rows.json --json"]],
  ["history", ["slipway history churn --environment stage --limit 5"]],
  ["events", ["slipway events --model churn --follow"]],
  [
    "rollback",
    [
      'slipway rollback churn --reason "predicts churn for every new customer"',
      "slipway rollback churn --to 3 --world aws",
    ],
  ],
  [
    "freeze",
    [
      'slipway freeze churn --until PT12H --reason "release week"',
      'slipway freeze --all --until 2026-12-27T08:00:00+01:00 --reason "holidays"',
      "slipway freeze",
    ],
  ],
  ["unfreeze", ["slipway unfreeze churn"]],
  ["canary watch", ["slipway canary churn", "slipway canary watch churn --once"]],
  ["canary hold", ['slipway canary hold churn --for 2h --as U024BE7LH --reason "a sale starts"']],
  ["canary go", ["slipway canary go churn --as U024BE7LH --yes"]],
  ["canary abort", ['slipway canary abort churn --as U024BE7LH --reason "complaints from support"']],
  ["deliver", ["slipway deliver churn --commit main", "slipway deliver --all --world aws"]],
  ["new", ["slipway new churn --onnx churn.onnx --data customers.csv --target churned --ignore customer_id"]],
  ["check", ["slipway check models/churn"]],
  ["image", ["slipway image models/churn --platform linux/arm64"]],
  ["serve", ["slipway serve models/churn --port 8080 --keys"]],
  [
    "client",
    [
      "slipway client churn --lang ts",
      "slipway client http://localhost:8080 --lang python --out churn_client",
    ],
  ],
  ["retire", ["slipway retire churn", "slipway retire churn --yes"]],
  ["policy show", ["slipway policy show"]],
  ["policy apply", ["slipway policy apply policy.yaml"]],
  ["policy confirm", ["slipway policy confirm 4f1c2a9b"]],
  ["policy history", ["slipway policy history --world aws"]],
  [
    "init aws",
    ["slipway init aws", "slipway init aws --answers answers.yaml", "slipway init aws --domain example.com"],
  ],
  ["keys create", ["slipway keys create --name billing --models churn,transit-time --expires P90D"]],
  ["keys list", ["slipway keys list --environment prod"]],
  ["keys rotate", ["slipway keys rotate Lv8iv1wiZZx --grace PT1H"]],
  ["keys revoke", ["slipway keys revoke Lv8iv1wiZZx"]],
  ["registry", ["slipway registry --profile tooling"]],
  ["doctor", ["slipway doctor --profile tooling"]],
  ["doctor slack", ["slipway doctor slack --world aws --post"]],
  ["approvals", ["slipway approvals --world aws"]],
  [
    "approve",
    [
      "slipway approve churn --as U024BE7LH",
      "slipway approve churn --as U024BE7LH --yes --confirm churn",
      'slipway approve churn --as U024BE7LH --break-glass --reason "fixes an outage"',
    ],
  ],
  ["reject", ['slipway reject churn --as U024BE7LH --reason "worse for new customers"']],
  [
    "audit",
    [
      "slipway audit churn",
      "slipway audit churn --version 3 --out churn-v3.md",
      "slipway audit --verify churn-v3.md",
    ],
  ],
]);

/** Puts its examples under the --help of each command of the program; call it after the last command was added. */
export const addExamples = (program: Command): void => {
  const add = (command: Command, path: readonly string[]): void => {
    const lines = examples.get(path.join(" ")) ?? [];
    if (lines.length > 0)
      command.addHelpText(
        "after",
        `\n${lines.length === 1 ? "Example" : "Examples"}:\n${lines.map((line) => `  ${line}`).join("\n")}`,
      );
    for (const inner of command.commands) add(inner, [...path, inner.name()]);
  };
  add(program, []);
};
