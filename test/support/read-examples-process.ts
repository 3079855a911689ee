/** Prints, for each command that does something, its examples from --help, and what its own parser says about each. */
import { Command, CommanderError } from "commander";

const words = (line: string): readonly string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");

const readHelp = (command: Command): string => {
  let help = "";
  const writeOut = (text: string): void => {
    help += text;
  };
  command.configureOutput({ writeOut, writeErr: () => undefined });
  command.outputHelp();
  return help;
};

Command.prototype.parseAsync = async function (this: Command) {
  let reached = "";
  const found: { path: string; line: string | null; problem: string | null }[] = [];
  const commands: { path: string; command: Command }[] = [];
  const collect = (command: Command, path: readonly string[]): void => {
    const isLeaf = command.commands.length === 0 || path.join(" ") === "doctor";
    if (isLeaf) commands.push({ path: path.join(" "), command });
    for (const inner of command.commands) collect(inner, [...path, inner.name()]);
  };
  collect(this, []);
  const examples = commands.map(({ path, command }) => {
    const lines = [...readHelp(command).matchAll(/^ {2}(slipway .+)$/gm)].map(([, line = ""]) => line);
    return { path, lines };
  });
  for (const { path, command } of commands)
    command.action(() => {
      reached = path;
    });
  for (const { path, lines } of examples) {
    if (lines.length === 0) found.push({ path, line: null, problem: "no example" });
    for (const line of lines) {
      reached = "";
      try {
        this.parse([...words(line).slice(1)], { from: "user" });
        found.push({ path, line, problem: reached === path ? null : `it runs ${reached}` });
      } catch (error) {
        if (!(error instanceof CommanderError)) throw error;
        found.push({ path, line, problem: error.message });
      }
    }
  }
  process.stdout.write(JSON.stringify(found));
  return this;
};
await import("#cli/slipway.ts");
