import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { checkoutFolder } from "#cli/folders.ts";
import { withWorld } from "#cli/open-world.ts";
import { awsOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { emptyIdentities, Identities } from "#domain/approval/identities.ts";
import { type PlatformRules, parsePlatformRules } from "#domain/policy/parse-policy.ts";

type Options = Pick<WorldOptions, "profile" | "outputs"> & {
  readonly policy: string;
  readonly domain?: readonly string[];
  readonly json?: boolean;
};

/**
 * The same rules with these domains added. Throws UsageMistake where nobody's address would count: the first delivery
 * would end with QuorumOutOfReach, and by then the copy is changed by two people alone.
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
      "The policy names neither people nor domains, so no approver's address would count. Name the domain of the organisation's addresses, `slipway init aws --domain example.com`, or write the section `identities` (docs/approval.md).",
    );
  return { ...rules, identities: parsed.data };
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
        resolve(checkoutFolder, "policy.yaml"),
        "policy.yaml beside Slipway",
      ),
    )
    .option(
      "--domain <domain...>",
      "where the organisation's addresses lie, beside those of the policy's identities",
    )
    .addOption(jsonOption());
  for (const option of awsOptions()) command.addOption(option);
  return command.action(({ policy: file, domain = [], json, ...options }: Options) =>
    withWorld({ ...options, world: "aws" }, async ({ world, where, operator }) => {
      const bytes = await readFile(file).catch((fault: unknown) => {
        throw new UsageMistake(`${file} cannot be read: ${fault instanceof Error ? fault.message : fault}`);
      });
      const rules = addDomains(parsePlatformRules(bytes, file, emptyIdentities), domain);
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
