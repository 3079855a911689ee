import { parseArgs } from "node:util";

/**
 * The arguments of a `prove:*` command: its number of runs, and its options, each with a text. Prints the usage for --help;
 * an unknown option ends the command with exit code 2 and the usage.
 */
export const readProofArguments = (
  usage: string,
  options: Readonly<Record<string, { readonly default?: string }>>,
): Readonly<Record<string, unknown>> => {
  const texts = Object.entries(options).map(([name, option]) => [
    name,
    { ...option, type: "string" as const },
  ]);
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { ...Object.fromEntries(texts), help: { type: "boolean" } },
    });
    const isHelp = "help" in values && values.help === true;
    if (!isHelp) return { ...values, runs: positionals[0] };
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(
      `${error instanceof Error ? error.message.split(". To specify", 1)[0] : error}.\n\n${usage}`,
    );
    process.exit(2);
  }
};
