import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Command } from "commander";
import { exitCode } from "#cli/exit-code.ts";
import { jsonOption } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { readModelFolder } from "#cli/read-model-folder.ts";
import { computeRequiredTraffic, formatRate } from "#domain/canary/required-rate.ts";
import { PolicyInvalid, parsePolicy } from "#domain/policy/parse-policy.ts";
import type { Policy } from "#domain/policy/policy.ts";
import { checkModel } from "#model-check/check-model.ts";
import { type FolderProblem, formatProblem } from "#model-folder/manifest/folder-problem.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";

type RepositoryPolicy =
  | { readonly status: "absent" }
  | { readonly status: "valid"; readonly policy: Policy }
  | { readonly status: "invalid"; readonly problem: FolderProblem };

/** The repository's policy.yaml, two folders above the model. A delivery of its commit needs it as much as the model. */
const readPolicy = async (folder: string): Promise<RepositoryPolicy> => {
  const file = join("..", "..", "policy.yaml");
  const bytes = await readFile(join(folder, file)).catch(() => undefined);
  if (!bytes) return { status: "absent" };
  try {
    return { status: "valid", policy: parsePolicy(bytes, "the repository's policy") };
  } catch (error) {
    if (!(error instanceof PolicyInvalid)) throw error;
    const message = error.message.replace(/\.$/, "");
    const remedy = "Correct it: a delivery of a commit with it fails.";
    return { status: "invalid", problem: { severity: "error", file, path: "", message, remedy } };
  }
};

/** How much traffic the canary needs: with less, a delivery bakes for its longest time and ends as inconclusive. */
const describeCanary = ({ canary }: Manifest, policy: Policy): string => {
  const { requests, perMinute } = computeRequiredTraffic(canary, policy.canary.limits);
  const rate = formatRate(perMinute, Math.ceil);
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
      const policy = await readPolicy(folder);
      const problems = [
        ...(await checkModel({ model: basename(resolve(folder)), files })),
        ...(policy.status === "invalid" ? [policy.problem] : []),
      ];
      const errors = problems.filter(({ severity }) => severity === "error");
      if (json) printJson(problems);
      else {
        for (const problem of problems)
          print(
            `${problem.severity === "error" ? paint("red", "✗") : paint("yellow", "!")} ${join(folder, formatProblem(problem))}`,
          );
        if (errors.length === 0) {
          print(`${paint("green", "✓")} ${folder} is ready for delivery.`);
          const manifest = files.get("model.yaml");
          if (policy.status === "valid" && manifest)
            print(`  ${describeCanary(readManifest(manifest), policy.policy)}`);
        }
      }
      if (errors.length > 0) process.exitCode = exitCode.failed;
    });
