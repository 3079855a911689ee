import type { Command } from "commander";

/** Adds a command whose wrong options print one line, and the line that says how to go on, and not the whole help. */
export const addCommand = (parent: Command, command: Command): void => {
  const path = [...new Set(["slipway", parent.name(), command.name()])].join(" ");
  parent.addCommand(command.exitOverride().showHelpAfterError(`(\`${path} --help\` lists its options)`));
};
