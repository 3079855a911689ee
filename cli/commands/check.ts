import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Command } from "commander";
import { exitCode, UsageMistake } from "#cli/exit-code.ts";
import { jsonOption } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { checkModel } from "#model-check/check-model.ts";
import { formatProblem } from "#model-folder/manifest/folder-problem.ts";
import { modelLimitBytes } from "#platform/source/source-rules.ts";

/** `slipway check`: every mistake in a model's folder, with its line and remedy. */
export const checkCommand = (): Command =>
  new Command("check")
    .description("check a model's folder before it is committed")
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
        if (errors.length === 0) print(`${paint("green", "✓")} ${folder} can be delivered.`);
      }
      if (errors.length > 0) process.exitCode = exitCode.failed;
    });

/** The files of a model's folder by name. Throws UsageMistake when it is no readable folder. */
export const readModelFolder = async (folder: string): Promise<ReadonlyMap<string, Uint8Array>> => {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    let bytes = 0;
    for (const { name } of files) bytes += (await stat(join(folder, name))).size;
    if (bytes > modelLimitBytes)
      throw new UsageMistake(
        `${folder} holds ${Math.round(bytes / 1e6)} MB; a model's folder has at most ${Math.round(modelLimitBytes / 1e6)} MB.`,
      );
    return new Map(
      await Promise.all(files.map(async ({ name }) => [name, await readFile(join(folder, name))] as const)),
    );
  } catch (fault) {
    if (fault instanceof UsageMistake) throw fault;
    throw new UsageMistake(
      `${folder} cannot be read: ${fault instanceof Error ? fault.message : String(fault)}`,
    );
  }
};
