import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { stringify } from "yaml";
import { UsageMistake } from "#cli/errors.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson, printTable } from "#cli/print.ts";
import { parsePlatformRules } from "#domain/policy/parse-policy.ts";
import type { PlatformPolicyRevision } from "#domain/policy/platform-policy.ts";
import type { Proposal } from "#domain/policy/policy-writer.ts";
import type { RuleChanges } from "#domain/policy/strictness.ts";

type Options = WorldOptions & { readonly json?: boolean };

const formatTime = (at: number) => new Date(at).toISOString();
const shortDigest = (digest: string | null) => digest?.slice(7, 19) ?? "-";

/** A revision as programs see it: times in ISO 8601. */
const revisionToJson = (revision: PlatformPolicyRevision) => ({ ...revision, at: formatTime(revision.at) });
/** A proposal without its text, which `digest` stands for. */
const proposalToJson = ({ text: _, at, ...proposal }: Proposal) => ({ ...proposal, at: formatTime(at) });

const formatConfirmer = ({ appliedBy, confirmedBy }: PlatformPolicyRevision): string => {
  if (confirmedBy === null) return "nobody (the first copy)";
  return confirmedBy.id === appliedBy.id ? `${confirmedBy.name}, the same person` : confirmedBy.name;
};

/** What loosens comes first: it is what the second person is asked about. */
const printChanges = ({ loosened, tightened }: RuleChanges): void => {
  if (loosened.length > 0) print(paint("red", "Loosens:"));
  for (const change of loosened) print(`  ${change}`);
  if (tightened.length > 0) print("Tightens:");
  for (const change of tightened) print(`  ${change}`);
  if (loosened.length + tightened.length === 0)
    print("No rule changes: only the form of the text is another.");
};

const readRules = async (file: string, before: PlatformPolicyRevision) => {
  const bytes = await readFile(file).catch((fault: unknown) => {
    throw new UsageMistake(`${file} cannot be read: ${fault instanceof Error ? fault.message : fault}`);
  });
  return parsePlatformRules(bytes, file, before.identities);
};

const showCommand = (): Command =>
  addWorldOptions(new Command("show"))
    .description(
      "the platform's copy of the policy: what every delivery is held to; or what a proposal changes",
    )
    .argument("[proposal]", "a proposal's id")
    .addOption(jsonOption())
    .action((id: string | undefined, { json, ...options }: Options) =>
      withWorld(options, async ({ world }) => {
        if (id !== undefined) {
          const proposal = await world.policyChanges.proposal(id);
          if (json) return printJson(proposalToJson(proposal));
          print(
            `Proposal ${id} by ${proposal.by.name}, ${formatTime(proposal.at)}, on top of revision ${proposal.follows}.`,
          );
          return printChanges(proposal.changes);
        }
        const policy = await world.policy.read();
        if (json) return printJson(revisionToJson(policy));
        print(
          paint(
            "dim",
            `# Revision ${policy.revision}, ${formatTime(policy.at)}, by ${policy.appliedBy.name}; confirmed by ${formatConfirmer(policy)}.`,
          ),
        );
        print(stringify({ ...policy.floor, identities: policy.identities }).trimEnd());
        for (const { id: open, by, changes } of await world.policyChanges.open())
          print(
            paint(
              "dim",
              `# Proposal ${open} by ${by.name} waits for a second person (${changes.loosened.length} rules loosened, ${changes.tightened.length} tightened).`,
            ),
          );
      }),
    );

const applyCommand = (): Command =>
  addWorldOptions(new Command("apply"))
    .description("propose another copy of the policy; a second person confirms it")
    .argument("<file>", "a policy.yaml, with a section `identities` or without (then who is who stays)")
    .addOption(jsonOption())
    .action((file: string, { json, ...options }: Options) =>
      withWorld(options, async ({ world, operator }) => {
        const before = await world.policy.read();
        const proposal = await world.policyChanges.propose(await readRules(file, before), await operator());
        if (json) return printJson(proposalToJson(proposal));
        print(
          `Proposed by ${proposal.by.name} on top of revision ${before.revision}; nothing is in force yet.`,
        );
        printChanges(proposal.changes);
        print(`\nA second person confirms it: slipway policy confirm ${proposal.id}`);
      }),
    );

const confirmCommand = (): Command =>
  addWorldOptions(new Command("confirm"))
    .description("put a proposal in force, as a second person")
    .argument("<id>", "the proposal's id, as `slipway policy apply` printed it")
    .addOption(new Option("--alone", "on this machine: one person does both, and the ledger says so"))
    .addOption(jsonOption())
    .action((id: string, { json, alone = false, ...options }: Options & { readonly alone?: boolean }) =>
      withWorld(options, async ({ world, operator }) => {
        const by = await operator();
        const revision = await world.policyChanges.confirm(id, by, { alone });
        if (json) return printJson(revisionToJson(revision));
        print(
          `${paint("green", "✓")} Revision ${revision.revision} of the policy is in force for every delivery from now on.`,
        );
        printChanges(revision.changes);
        if (revision.confirmedBy?.id === revision.appliedBy.id)
          print(
            `\n${by.name} proposed and confirmed it. This proves that someone with this account did both, and nothing of a second person: the ledger says the same.`,
          );
        else if (options.world !== "aws")
          print(
            `\nThe accounts of this machine's operating system are what tells the two apart: whoever administers it can act as both.`,
          );
      }),
    );

const historyCommand = (): Command =>
  addWorldOptions(new Command("history"))
    .description(
      "every copy that was ever in force: who proposed and confirmed it, when, and the digest of its text",
    )
    .addOption(jsonOption())
    .action(({ json, ...options }: Options) =>
      withWorld(options, async ({ world }) => {
        const revisions = await world.policyChanges.history();
        if (json) return printJson(revisions.map(revisionToJson));
        if (revisions.length === 0) return print("The platform has no copy of the policy yet.");
        printTable(
          ["revision", "at", "proposed by", "confirmed by", "text", "before", "loosened", "tightened"],
          revisions.map((each) => [
            String(each.revision),
            formatTime(each.at),
            each.appliedBy.name,
            formatConfirmer(each),
            shortDigest(each.digest),
            shortDigest(each.previous),
            String(each.changes.loosened.length),
            String(each.changes.tightened.length),
          ]),
        );
      }),
    );

/** `slipway policy`: the platform's copy of the policy, which no commit loosens. */
export const policyCommand = (): Command => {
  const policy = new Command("policy").description(
    "the platform's copy of the policy, which no commit can loosen: show it, propose another, confirm one",
  );
  for (const command of [showCommand(), applyCommand(), confirmCommand(), historyCommand()])
    policy.addCommand(command.exitOverride().showHelpAfterError());
  return policy;
};
