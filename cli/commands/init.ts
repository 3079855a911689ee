import { resolve } from "node:path";
import { Command, Option } from "commander";
import { addCommand } from "#cli/add-command.ts";
import { UsageMistake } from "#cli/errors.ts";
import { checkoutFolder } from "#cli/folders.ts";
import type { AnswerName } from "#cli/init-aws/answers.ts";
import { type GivenAnswers, parseText } from "#cli/init-aws/collect-answers.ts";
import { questions } from "#cli/init-aws/questions.ts";
import { readInputFile } from "#cli/new-model/read-input-file.ts";
import { withWorld } from "#cli/open-world.ts";
import { awsOnlyOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { explainMailDomain } from "#domain/approval/explain-mail-domain.ts";
import { emptyIdentities, Identities } from "#domain/approval/identities.ts";
import { type PlatformRules, parsePlatformRules } from "#domain/policy/parse-policy.ts";

type Options = Pick<WorldOptions, "profile" | "outputs"> & {
  readonly policy?: string;
  readonly domain?: readonly string[];
  readonly json?: boolean;
  readonly answers?: string;
  readonly folder?: string;
  readonly yes?: boolean;
} & { readonly [Name in AnswerName]?: string };

/**
 * Adds domains to the rules. Throws UsageMistake where no approver's address would count: the first delivery would fail
 * with QuorumOutOfReach, and from then on a change of the policy needs two people.
 */
const addDomains = (rules: PlatformRules, added: readonly string[]): PlatformRules => {
  const { people, domains } = rules.identities;
  for (const domain of added) {
    const problem = explainMailDomain(domain);
    if (problem !== undefined) throw new UsageMistake(`--domain ${domain}: ${problem}`);
  }
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

/** After Terraform: writes the first revision of the platform's policy, which every delivery needs. It writes once. */
const writeFirstPolicy = async ({
  policy: file = resolve(checkoutFolder, "policy.yaml"),
  domain = [],
  json,
  profile,
  outputs,
}: Options): Promise<void> => {
  const options = {
    ...(profile === undefined ? {} : { profile }),
    ...(outputs === undefined ? {} : { outputs }),
  };
  await withWorld({ ...options, world: "aws" }, async ({ world, where, operator }) => {
    const rules = addDomains(parsePlatformRules(await readInputFile(file), file, emptyIdentities), domain);
    const written = await world.policyChanges.writeFirst(rules, await operator());
    if (json) return printJson({ revision: written.revision, digest: written.digest, file });
    print(where);
    print(
      `${paint("green", "✓")} The platform's policy was written from ${file} by ${written.appliedBy.name} (${written.digest.slice(7, 19)}).`,
    );
    print(
      "No commit can loosen it. To change it, run `slipway policy apply <file>`; a second person confirms.",
    );
  });
};

/** The options of the second part: each of them needs Terraform's outputs. */
const afterTerraform = ["policy", "domain", "profile", "outputs"] as const;

const readFlags = (options: Options): GivenAnswers =>
  Object.fromEntries(
    questions.flatMap(({ name }) => {
      const text = options[name];
      return text === undefined ? [] : [[name, parseText(name, text)]];
    }),
  );

/**
 * `slipway init aws`, in two parts. Before Terraform it asks for what an installation needs and writes the files. After it,
 * with `--domain`, `--policy`, `--profile` or `--outputs`, it writes the first revision of the platform's policy: later
 * changes need `slipway policy apply` and a second person.
 */
const initAws = (): Command => {
  const command = new Command("aws")
    .description(
      "before Terraform: ask for accounts, Slack and approvers, and write terraform/config.ts, policy.yaml and the list of commands; after Terraform, with --domain: write the first revision of the platform's policy, which no commit can loosen",
    )
    .addOption(
      new Option(
        "--policy <file>",
        "after Terraform: the policy; the section `identities` is optional (default: policy.yaml in Slipway's folder)",
      ),
    )
    .option(
      "--domain <domain...>",
      "after Terraform: a domain of the organisation's addresses, in addition to the policy's",
    )
    .option("--answers <file>", "before Terraform: YAML or JSON with answers; a flag counts before it")
    .option("--folder <folder>", "before Terraform: the checkout to write to (default: Slipway's folder)")
    .option("--yes", "before Terraform: write without asking, also over values that were filled in");
  for (const { name, flag, question, hint } of questions)
    command.addOption(
      new Option(
        `--${flag} <${name === "budget" ? "usd" : "answer"}>`,
        `before Terraform: ${question} (${hint})`,
      ),
    );
  command.addOption(
    jsonOption("the written files, without questions; after Terraform the policy's first revision"),
  );
  for (const option of awsOnlyOptions()) command.addOption(option);
  return command.action(async (options: Options) => {
    const flags = readFlags(options);
    const isBefore = Object.keys(flags).length > 0 || options.answers !== undefined;
    const after = afterTerraform.filter((name) => options[name] !== undefined);
    if (isBefore && after.length > 0)
      throw new UsageMistake(
        `--${after.join(", --")} belongs to the part after Terraform, and the answers to the part before it: run one of them at a time.`,
      );
    if (after.length > 0) return writeFirstPolicy(options);
    const { initFiles } = await import("#cli/init-aws/init-files.ts");
    return initFiles({
      folder: options.folder === undefined ? checkoutFolder : resolve(options.folder),
      answersFile: options.answers,
      flags,
      yes: options.yes ?? false,
      json: options.json ?? false,
    });
  });
};

/** `slipway init`: the one-time set-up of an installation. */
export const initCommand = (): Command => {
  const init = new Command("init").description("set up a new installation");
  addCommand(init, initAws());
  return init;
};
