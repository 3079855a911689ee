import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exitCode, toExitCode } from "#cli/exit-code.ts";
import { remedies } from "#statemachine/remedies.ts";
import { parseSource } from "#test/support/parse-source.ts";
import { localDefinition } from "#worlds/embedded/engine/engine.ts";

const root = join(import.meta.dirname, "../../..");
const skipped = new Set(["node_modules", "test", "bench", "dist", "seed", "models", "cdktf.out"]);

/** The source files without tests. */
const sources = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name.startsWith(".") || skipped.has(entry.name) ? [] : sources(path);
    return /\.ts$/.test(entry.name) && !/\.test\.ts$/.test(entry.name) ? [path] : [];
  });

/** Names of all error classes, in all folders. */
const errorClasses = (): readonly string[] => {
  const names = sources(root).flatMap((path) => parseSource(path, readFileSync(path, "utf8")).errorNames);
  return [...new Set(names)].sort();
};

/** Errors of other packages with their own exit code. */
const foreignErrors = ["CredentialsProviderError"];

/** Names that the state machine retries or catches. */
const caughtNames = [...JSON.stringify(localDefinition).matchAll(/"ErrorEquals":(\[[^\]]*\])/g)].flatMap(
  ([, list = "[]"]) => JSON.parse(list) as string[],
);
const stateMachineNames = new Set([...Object.keys(remedies), ...caughtNames]);

/** Error names that the state machine, its remedies or a caller of the command reads. */
export const errorForms = () => {
  const codes = [...errorClasses(), ...foreignErrors].flatMap((name) => {
    const code = toExitCode(Object.assign(new Error("a message"), { name }));
    return code === exitCode.failed ? [] : [[name, code] as const];
  });
  return {
    "error-names": {
      remedies: Object.keys(remedies).sort(),
      "classes that the state machine or a remedy names": errorClasses().filter((name) =>
        stateMachineNames.has(name),
      ),
      "exit codes other than 1": Object.fromEntries(codes),
    },
  };
};

/** All other names: commands, logs and our own code read them. A new name does not change a form. */
export const otherErrorNames = (): readonly string[] =>
  errorClasses().filter((name) => !stateMachineNames.has(name));
