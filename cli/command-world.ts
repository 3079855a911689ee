import type { Operator } from "#domain/policy/platform-policy.ts";
import type { ProvenanceVerifier } from "#domain/provenance/provenance-store.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { Source } from "#platform/source/source.ts";
import type { World } from "#worlds/embedded/world.ts";

/** What commands work on, in either world. */
export type CommandWorld = Pick<
  World,
  | "pushes"
  | "deliveries"
  | "serving"
  | "registry"
  | "claims"
  | "ledger"
  | "outcomes"
  | "approvals"
  | "messages"
  | "policy"
  | "policyChanges"
  | "clock"
  | "warn"
> & {
  readonly source: Source;
  readonly provenance: ProvenanceVerifier;
  readonly metrics: Pick<World["metrics"], "count">;
  readonly slack: Pick<World["slack"], "users" | "views" | "chat">;
};

export type CommandContext = {
  readonly world: CommandWorld;
  /** Whether an engine runs that waits for answers and goes on with deliveries. */
  readonly running: boolean;
  /** Where it runs, in a sentence. */
  readonly where: string;
  /** What tells the repository apart in a delivery's name. */
  readonly repository: string;
  /** The revision that is delivered where none is named. */
  readonly head: string;
  /** Content hash of the runtime layer that images get. */
  readonly runtime: string;
  /** The page that shows where a delivery is. */
  readonly pageOf: (delivery: string) => string;
  /** The address under which applications call a model. */
  readonly urlOf: (environment: Environment, model: string) => string;
  /** Rows to prod's model, as an application sends them; the answer as it came. */
  readonly ask: (model: string, rows: readonly Row[]) => Promise<PredictionResponse>;
  /** Who starts a delivery by hand, as git here or AWS knows them: they may not approve it. */
  readonly caller: () => Promise<string>;
  /** Who the person at the command is, before their answer to a question counts. Throws NotAnApprover. */
  readonly voter: (as: string) => Promise<Voter>;
  /** Who the person at the command is, as an authority beside her says; for the platform's policy. */
  readonly operator: () => Promise<Operator>;
};

type PredictionResponse = { readonly ok: boolean; readonly body: unknown };
/** `email`: what an authority beside Slack knows her by; undefined: Slack is asked. */
export type Voter = { readonly id: string; readonly name?: string; readonly email?: string };
