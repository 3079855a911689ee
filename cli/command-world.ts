import type { SlackConnection } from "#cli/doctor/list-slack-checks.ts";
import type { Operator } from "#domain/policy/platform-policy.ts";
import type { ProvenanceVerifier } from "#domain/provenance/provenance-store.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { Source } from "#platform/source/source.ts";
import type { World } from "#worlds/embedded/world.ts";

/** The capabilities that commands use, in both worlds. */
export type CommandWorld = Pick<
  World,
  | "pushes"
  | "deliveries"
  | "serving"
  | "registry"
  | "claims"
  | "freezes"
  | "holds"
  | "readGroups"
  | "ledger"
  | "outcomes"
  | "approvals"
  | "findRejection"
  | "auditReader"
  | "canaries"
  | "messages"
  | "policy"
  | "policyChanges"
  | "clock"
  | "warn"
> & {
  readonly source: Source;
  readonly provenance: ProvenanceVerifier;
  readonly audit: Pick<World["audit"], "record" | "recordModel" | "recordFreezes" | "anchor">;
  readonly metrics: Pick<World["metrics"], "count">;
  readonly slack: Pick<World["slack"], "users" | "views" | "chat">;
};

export type CommandContext = {
  readonly world: CommandWorld;
  /** Whether an engine runs that continues deliveries and waits for decisions. */
  readonly running: boolean;
  /** Where deliveries run, as a sentence. */
  readonly where: string;
  /** The repository's part of a delivery's name. */
  readonly repository: string;
  /** The revision to deliver by default. */
  readonly head: string;
  /** Content hash of the runtime layer that images get; on this machine it bundles the runtime, which takes seconds. */
  readonly runtime: () => Promise<string>;
  /** URL of the page of a delivery. */
  readonly deliveryUrl: (delivery: string) => string;
  /** URL at which applications call a model. */
  readonly modelUrl: (environment: Environment, model: string) => string;
  /** Sends rows to the model on prod, as an application does. */
  readonly predict: (model: string, rows: readonly Row[]) => Promise<PredictionResponse>;
  /** For `slipway doctor slack`. */
  readonly slackConnection: SlackConnection;
  /** Who starts a delivery by hand, by git's address or AWS's ARN: that person may not approve it. */
  readonly caller: () => Promise<string>;
  /** Verifies that the caller is this Slack user, before a decision counts. Throws NotAnApprover. */
  readonly voter: (as: string) => Promise<Voter>;
  /** Who rolls back, as AWS or the operating system names the caller. Never throws: nothing may stop a rollback. */
  readonly person: () => Promise<string>;
  /** Who changes the platform's policy, as AWS or the operating system identifies the caller. */
  readonly operator: () => Promise<Operator>;
};

type PredictionResponse = { readonly ok: boolean; readonly body: unknown };
/**
 * `email`: the address that AWS confirms; undefined: read it from Slack. `account`: who AWS says calls, or the account on
 * this machine, for the audit trail.
 */
export type Voter = {
  readonly id: string;
  readonly name?: string;
  readonly email?: string;
  readonly via: "command";
  readonly account?: string;
};
