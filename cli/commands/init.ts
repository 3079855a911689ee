import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { checkoutFolder } from "#cli/folders.ts";
import { withWorld } from "#cli/open-world.ts";
import { awsOnlyOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { emptyIdentities, Identities } from "#domain/approval/identities.ts";
import { type PlatformRules, parsePlatformRules } from "#domain/policy/parse-policy.ts";

type Options = Pick<WorldOptions, "profile" | "outputs"> & {
  readonly policy: string;
  readonly domain?: readonly string[];
  readonly json?: boolean;
};

/**
 * Adds domains to the rules. Throws UsageMistake where no approver's address would count: the first delivery would fail
 * with QuorumOutOfReach, and from then on a change of the policy needs two people.
 */
const addDomains = (rules: PlatformRules, added: readonly string[]): PlatformRules => {
  const { people, domains } = rules.identities;
  const parsed = Identities.safeParse({ ...rules.identities, domains: [...new Set([...domains, ...added])] });
  if (!parsed.success)
    throw new UsageMistake(
      `--domain ${added.join(" ")}: ${parsed.error.issues[0]?.message ?? "not a domain"}`,
    );
  const isEmpty = Object.keys(people).length === 0 && parsed.data.domains.length === 0;
  if (isEmpty && !rules.floor.approval.authorMayApprove)
    throw new UsageMistake(
      "The policy has neither people nor domains, so no approver's address would count. Add the domain of the organisation's addresses, `slipway init aws --domain example.com`, or write the section `identities` (docs/approval.md).",
    );
  return { ...rules, identities: parsed.data };
};

/**
 * `slipway init aws`: after Terraform, writes the first revision of the platform's policy, which every delivery needs. It
 * writes once: later changes need `slipway policy apply` and a second person.
 */
const initAws = (): Command => {
  const command = new Command("aws")
    .description(
      "after Terraform: write the first revision of the platform's policy, which no commit can loosen",
    )
    .addOption(
      new Option("--policy <file>", "the policy; the section `identities` is optional").default(
        resolve(checkoutFolder, "policy.yaml"),
        "policy.yaml in Slipway's folder",
      ),
    )
    .option("--domain <domain...>", "a domain of the organisation's addresses, in addition to the policy's")
    .addOption(jsonOption());
  for (const option of awsOnlyOptions()) command.addOption(option);
  return command.action(({ policy: file, domain = [], json, ...options }: Options) =>
    withWorld({ ...options, world: "aws" }, async ({ world, where, operator }) => {
      const bytes = await readFile(file).catch((error: unknown) => {
        throw new UsageMistake(`${file} cannot be read: ${error instanceof Error ? error.message : error}`);
      });
      const rules = addDomains(parsePlatformRules(bytes, file, emptyIdentities), domain);
      const written = await world.policyChanges.writeFirst(rules, await operator());
      if (json) return printJson({ revision: written.revision, digest: written.digest, file });
      print(where);
      print(
        `${paint("green", "✓")} The platform's policy was written from ${file} by ${written.appliedBy.name} (${written.digest.slice(7, 19)}).`,
      );
      print(
        "No commit can loosen it. To change it, run `slipway policy apply <file>`; a second person confirms.",
      );
    }),
  );
};

/** `slipway init`: the one-time set-up of an installation. */
export const initCommand = (): Command => {
  const init = new Command("init").description("set up a new installation");
  init.addCommand(initAws().exitOverride().showHelpAfterError());
  return init;
};
