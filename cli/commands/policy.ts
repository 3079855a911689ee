import { Command, Option } from "commander";
import { stringify } from "yaml";
import { addCommand } from "#cli/add-command.ts";
import { readInputFile } from "#cli/new-model/read-input-file.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson, printTable } from "#cli/print.ts";
import { parsePlatformRules } from "#domain/policy/parse-policy.ts";
import type { PlatformPolicyRevision } from "#domain/policy/platform-policy.ts";
import type { Proposal } from "#domain/policy/policy-writer.ts";
import type { RuleChanges } from "#domain/policy/strictness.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";

type Options = WorldOptions & { readonly json?: boolean };

const formatTime = (at: number) => new Date(at).toISOString();
const shortDigest = (digest: string | null) => digest?.slice(7, 19) ?? "-";

/** A revision for `--json`: times in ISO 8601. */
const revisionToJson = (revision: PlatformPolicyRevision) => ({ ...revision, at: formatTime(revision.at) });
/** A proposal for `--json`: with the digest of its text in place of the text. */
const proposalToJson = ({ text: _, at, ...proposal }: Proposal) => ({ ...proposal, at: formatTime(at) });

const formatConfirmer = ({ appliedBy, confirmedBy }: PlatformPolicyRevision): string => {
  if (confirmedBy === null) return "nobody (the first revision)";
  return confirmedBy.id === appliedBy.id ? `${confirmedBy.name}, the same person` : confirmedBy.name;
};

/** Loosened rules first, because a second person must look at them. */
const printChanges = ({ loosened, tightened }: RuleChanges): void => {
  if (loosened.length > 0) print(paint("red", "Loosens:"));
  for (const change of loosened) print(`  ${escapeControls(change)}`);
  if (tightened.length > 0) print("Tightens:");
  for (const change of tightened) print(`  ${escapeControls(change)}`);
  if (loosened.length + tightened.length === 0) print("No rule changes, only the text's layout.");
};

const readRules = async (file: string, before: PlatformPolicyRevision) => {
  return parsePlatformRules(await readInputFile(file), file, before.identities);
};

const showCommand = (): Command =>
  addWorldOptions(new Command("show"))
    .description("print the platform's policy, which holds for every delivery; or what a proposal changes")
    .argument("[proposal]", "a proposal's id")
    .addOption(jsonOption("the revision in force, or the proposal and what it changes"))
    .action((id: string | undefined, { json, ...options }: Options) =>
      withWorld(options, async ({ world }) => {
        if (id !== undefined) {
          const proposal = await world.policyChanges.proposal(id);
          if (json) return printJson(proposalToJson(proposal));
          print(
            `Proposal ${id} by ${proposal.by.name}, ${formatTime(proposal.at)}, based on revision ${proposal.follows}.`,
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
              `# Proposal ${open} by ${by.name} waits for a second person (${changes.loosened.length} ${changes.loosened.length === 1 ? "rule" : "rules"} loosened, ${changes.tightened.length} tightened).`,
            ),
          );
      }),
    );

const applyCommand = (): Command =>
  addWorldOptions(new Command("apply"))
    .description("propose a change of the policy; a second person confirms it")
    .argument("<file>", "a policy.yaml; without a section `identities` the present ones stay")
    .addOption(jsonOption("the proposal and what it changes"))
    .action((file: string, { json, ...options }: Options) =>
      withWorld(options, async ({ world, operator }) => {
        const before = await world.policy.read();
        const proposal = await world.policyChanges.propose(await readRules(file, before), await operator());
        if (json) return printJson(proposalToJson(proposal));
        print(
          `Proposed by ${proposal.by.name}, based on revision ${before.revision}. It is not in force yet.`,
        );
        printChanges(proposal.changes);
        print(`\nNext: a second person runs \`slipway policy confirm ${proposal.id}\`.`);
      }),
    );

const confirmCommand = (): Command =>
  addWorldOptions(new Command("confirm"))
    .description("put a proposal in force, as a second person")
    .argument("<id>", "the proposal's id, as `slipway policy apply` printed it")
    .addOption(new Option("--alone", "only on this machine: confirm your own proposal; the history shows it"))
    .addOption(jsonOption("the revision and what it changes"))
    .action((id: string, { json, alone = false, ...options }: Options & { readonly alone?: boolean }) =>
      withWorld(options, async ({ world, operator }) => {
        const by = await operator();
        const revision = await world.policyChanges.confirm(id, by, { alone });
        if (json) return printJson(revisionToJson(revision));
        print(
          `${paint("green", "✓")} Revision ${revision.revision} of the policy is in force for all deliveries.`,
        );
        printChanges(revision.changes);
        if (revision.confirmedBy?.id === revision.appliedBy.id)
          print(
            `\n${by.name} proposed and confirmed it, so no second person has seen the change. The history shows that.`,
          );
        else if (options.world !== "aws")
          print(
            "\nOnly the operating system's accounts tell the two people apart: an administrator of this machine can act as both.",
          );
      }),
    );

const historyCommand = (): Command =>
  addWorldOptions(new Command("history"))
    .description("list all revisions of the policy: time, proposer, confirmer, digest of the text")
    .addOption(jsonOption("all revisions"))
    .action(({ json, ...options }: Options) =>
      withWorld(options, async ({ world }) => {
        const revisions = await world.policyChanges.history();
        if (json) return printJson(revisions.map(revisionToJson));
        if (revisions.length === 0) return print("The platform has no policy yet.");
        printTable(
          ["revision", "at", "proposed by", "confirmed by", "digest", "previous", "loosened", "tightened"],
          revisions.map((revision) => [
            String(revision.revision),
            formatTime(revision.at),
            revision.appliedBy.name,
            formatConfirmer(revision),
            shortDigest(revision.digest),
            shortDigest(revision.previous),
            String(revision.changes.loosened.length),
            String(revision.changes.tightened.length),
          ]),
        );
      }),
    );

/** `slipway policy`: the platform's policy, which no commit loosens. */
export const policyCommand = (): Command => {
  const policy = new Command("policy").description(
    "show and change the platform's policy, which no commit can loosen",
  );
  for (const command of [showCommand(), applyCommand(), confirmCommand(), historyCommand()])
    addCommand(policy, command);
  return policy;
};
