import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Command } from "commander";
import { exitCode } from "#cli/exit-code.ts";
import { jsonOption } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { readModelFolder } from "#cli/read-model-folder.ts";
import { computeRequiredTraffic } from "#domain/canary/required-rate.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import type { Policy } from "#domain/policy/policy.ts";
import { checkModel } from "#model-check/check-model.ts";
import { formatProblem } from "#model-folder/manifest/folder-problem.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";

/** The repository's policy.yaml, two folders above the model; undefined where there is none. */
const readPolicy = async (folder: string): Promise<Policy | undefined> => {
  const file = join(resolve(folder), "..", "..", "policy.yaml");
  const bytes = await readFile(file).catch(() => undefined);
  return bytes && parsePolicy(bytes, file);
};

/** How much traffic the canary needs: with less, a delivery bakes for its longest time and ends as inconclusive. */
const describeCanary = ({ canary }: Manifest, policy: Policy): string => {
  const { requests, perMinute } = computeRequiredTraffic(canary, policy.canary.limits);
  const rate =
    perMinute < 1
      ? `${Math.ceil(60 * perMinute)} requests an hour`
      : `${Math.ceil(perMinute)} requests a minute`;
  const needed = `${requests} requests to each version at each step (${canary.steps.join(", ")} %) within ${canary.atMost}`;
  return Number.isFinite(perMinute)
    ? `A canary of it needs ${rate} on prod: ${needed}.`
    : `No traffic is enough for a canary of it: it needs ${Number.isFinite(requests) ? needed : "more than any number of requests, because the policy allows no error"}, and each step lasts ${canary.bake} at least.`;
};

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
        if (errors.length === 0) {
          print(`${paint("green", "✓")} ${folder} is ready for delivery.`);
          const policy = await readPolicy(folder);
          const manifest = files.get("model.yaml");
          if (policy && manifest) print(`  ${describeCanary(readManifest(manifest), policy)}`);
        }
      }
      if (errors.length > 0) process.exitCode = exitCode.failed;
    });
