import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { noIdentities } from "../../domain/approval/identities.ts";
import { parsePlatformRules } from "../../domain/policy/parse-policy.ts";
import { UsageMistake } from "../exit-code.ts";
import { checkout } from "../folders.ts";
import { withWorld } from "../open-world.ts";
import { awsOptions, jsonOption, type WorldOptions } from "../options.ts";
import { paint, print, printJson } from "../print.ts";

type Options = Pick<WorldOptions, "profile" | "outputs"> & {
  readonly policy: string;
  readonly json?: boolean;
};

/**
 * `slipway init aws`: after Terraform, writes the platform's first copy of the policy, which deliveries cannot do
 * without. It writes once: a copy that is there is changed by `slipway policy apply` and a second person.
 */
const initAws = (): Command => {
  const command = new Command("aws")
    .description("after Terraform: write the platform's first copy of the policy, which no commit can loosen")
    .addOption(
      new Option("--policy <file>", "the policy to write, with a section `identities` or without").default(
        resolve(checkout, "policy.yaml"),
        "policy.yaml beside Slipway",
      ),
    )
    .addOption(jsonOption());
  for (const option of awsOptions()) command.addOption(option);
  return command.action(({ policy: file, json, ...options }: Options) =>
    withWorld({ ...options, world: "aws" }, async ({ world, where, operator }) => {
      const bytes = await readFile(file).catch((fault: unknown) => {
        throw new UsageMistake(`${file} cannot be read: ${fault instanceof Error ? fault.message : fault}`);
      });
      const rules = parsePlatformRules(bytes, file, noIdentities);
      const written = await world.policyChanges.writeFirst(rules, await operator());
      if (json) return printJson({ revision: written.revision, digest: written.digest, file });
      print(where);
      print(
        `${paint("green", "✓")} The platform's copy of the policy was written from ${file} by ${written.appliedBy.name} (${written.digest.slice(7, 19)}).`,
      );
      print(
        "From now on no commit loosens it: `slipway policy apply <file>` proposes another, a second person confirms.",
      );
    }),
  );
};

/** `slipway init`: what a new installation needs once. */
export const initCommand = (): Command => {
  const init = new Command("init").description("what a new installation needs once");
  init.addCommand(initAws().exitOverride().showHelpAfterError());
  return init;
};
