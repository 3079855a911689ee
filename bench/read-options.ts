import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

/** Ends a benchmark whose command line is wrong, with exit code 2. */
export const failUsage = (sentence: string): never => {
  console.error(sentence);
  process.exit(2);
};

/** The options of a benchmark. Prints the help and ends it for --help; a wrong option is told above the help. */
export const readOptions = <Config extends ParseArgsOptionsConfig>(help: string, config: Config) => {
  try {
    const { values } = parseArgs({ options: { ...config, help: { type: "boolean", default: false } } });
    if (!("help" in values && values.help === true)) return values;
  } catch (error) {
    return failUsage(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
  }
  console.log(help);
  process.exit();
};
