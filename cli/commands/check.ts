import { basename, join, resolve } from "node:path";
import { Command } from "commander";
import { exitCode } from "#cli/exit-code.ts";
import { jsonOption } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { readModelFolder } from "#cli/read-model-folder.ts";
import { checkModel } from "#model-check/check-model.ts";
import { formatProblem } from "#model-folder/manifest/folder-problem.ts";

/** `slipway check`: all problems of a model's folder, with lines and remedies. */
export const checkCommand = (): Command =>
  new Command("check")
    .description("check a model's folder before you commit it")
    .argument("<folder>", "models/<name>")
    .addOption(jsonOption())
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const files = await readModelFolder(folder);
      const problems = await checkModel({ model: basename(resolve(folder)), files });
      const errors = problems.filter(({ severity }) => severity === "error");
      if (json) printJson(problems);
      else {
        for (const problem of problems)
          print(
            `${problem.severity === "error" ? paint("red", "✗") : paint("yellow", "!")} ${join(folder, formatProblem(problem))}`,
          );
        if (errors.length === 0) print(`${paint("green", "✓")} ${folder} is ready for delivery.`);
      }
      if (errors.length > 0) process.exitCode = exitCode.failed;
    });
