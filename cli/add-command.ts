import type { Command } from "commander";

/** Makes a wrong command line one line that says what is wrong, what is near, and how to go on; not the whole help. */
export const explainUsage = (command: Command, how: string): Command =>
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(`${text.trim().replace(/\.$/, "").replaceAll("\n", " ")}; ${how}\n`),
  });

/** Adds a command, or a part of one, whose wrong options print one line. */
export const addCommand = (
  parent: Command,
  command: Command,
  { isDefault = false }: { readonly isDefault?: boolean } = {},
): void => {
  const path = [...new Set(["slipway", parent.name(), command.name()])].join(" ");
  parent.addCommand(explainUsage(command, `\`${path} --help\` lists its options`), { isDefault });
};
