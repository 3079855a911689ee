import type { Command } from "commander";

type LoadCommand = () => Promise<Command>;

/** The commands in the order of the help. Each is loaded by its name alone, so that none pays for the code of the others. */
const loaders: ReadonlyMap<string, LoadCommand> = new Map<string, LoadCommand>([
  ["rehearse", async () => (await import("./commands/rehearse.ts")).rehearseCommand()],
  ["status", async () => (await import("./commands/status.ts")).statusCommand()],
  ["predict", async () => (await import("./commands/predict.ts")).predictCommand()],
  ["history", async () => (await import("./commands/history.ts")).historyCommand()],
  ["events", async () => (await import("./commands/events.ts")).eventsCommand()],
  ["rollback", async () => (await import("./commands/rollback.ts")).rollbackCommand()],
  ["freeze", async () => (await import("./commands/freeze.ts")).freezeCommand()],
  ["unfreeze", async () => (await import("./commands/freeze.ts")).unfreezeCommand()],
  ["canary", async () => (await import("./commands/canary.ts")).canaryCommand()],
  ["deliver", async () => (await import("./commands/deliver.ts")).deliverCommand()],
  ["new", async () => (await import("./commands/new.ts")).newCommand()],
  ["check", async () => (await import("./commands/check.ts")).checkCommand()],
  ["image", async () => (await import("./commands/image.ts")).imageCommand()],
  ["serve", async () => (await import("./commands/serve.ts")).serveCommand()],
  ["client", async () => (await import("./commands/client.ts")).clientCommand()],
  ["retire", async () => (await import("./commands/retire.ts")).retireCommand()],
  ["policy", async () => (await import("./commands/policy.ts")).policyCommand()],
  ["init", async () => (await import("./commands/init.ts")).initCommand()],
  ["keys", async () => (await import("./commands/keys.ts")).keysCommand()],
  ["registry", async () => (await import("./commands/registry.ts")).registryCommand()],
  ["doctor", async () => (await import("./commands/doctor.ts")).doctorCommand()],
  ["approvals", async () => (await import("./commands/approvals.ts")).approvalsCommand()],
  ["approve", async () => (await import("./commands/approvals.ts")).approveCommand()],
  ["reject", async () => (await import("./commands/approvals.ts")).rejectCommand()],
  ["audit", async () => (await import("./commands/audit.ts")).auditCommand()],
]);

/**
 * The commands that these arguments need: the one that they begin with, or all of them, for the help, completion, and what
 * an unknown word is near to.
 */
export const loadCommands = async (words: readonly string[]): Promise<readonly Command[]> => {
  const load = loaders.get(words[0] ?? "");
  return Promise.all(load ? [load()] : [...loaders.values()].map((each) => each()));
};
