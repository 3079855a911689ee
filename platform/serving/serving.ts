import * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
export const EnvironmentName = z.enum(["stage", "prod"]);

import type { Json } from "#platform/store/store.ts";

export type Environment = "stage" | "prod";
export const environments = ["stage", "prod"] as const satisfies readonly Environment[];

/** The configuration of a function version; publishing the same one twice gives the same version. */
export type FunctionConfig = {
  /** The image, `sha256:…`. */
  readonly digest: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Starts from a snapshot of the initialized function, where the platform has them; absent: initializes at each start. */
  readonly snapStart?: true;
  /** Also the values that are known only at deployment: registry version, environment. */
  readonly variables: Readonly<Record<string, string>>;
};

export type FunctionVersion = { readonly version: string; readonly config: FunctionConfig };

/** The alias `live`: the version that serves, and an optional second one for a share of the requests. */
export type LiveAlias = {
  readonly version: string;
  /** `weight`: the share of requests that go to this version, between 0 and 1. */
  readonly canary?: { readonly version: string; readonly weight: number };
  /** `fence=<n> delivery=<id>` of the last writer. */
  readonly description: string;
  /** Changes with every write; each write passes the revision that it read. */
  readonly revision: string;
};

export type Invocation = {
  readonly payload: Json;
  /** The version that handled the call. */
  readonly version: string;
  /** The function's duration as measured by the platform, in milliseconds. */
  readonly durationMs: number;
  /** Milliseconds of initialisation, if this invocation started the function. */
  readonly initMs?: number;
};

/** `waking`: the platform prepares it now, and its next calls work. `never sleeps`: any version starts with its first call. */
export type WakeResult = "awake" | "waking" | "never sleeps";

/** The inference functions of one environment. */
export interface Serving {
  /** Creates a model's function, log group and route if they are missing; returns the URL for applications. */
  ensure(model: string): Promise<{ readonly url: string }>;
  /**
   * Publishes this configuration as a version, or finds the version that already has it. The version can be called when this
   * resolves. Moves no traffic.
   */
  publish(model: string, config: FunctionConfig): Promise<FunctionVersion>;
  version(model: string, version: string): Promise<FunctionVersion | undefined>;
  live(model: string): Promise<LiveAlias | undefined>;
  /**
   * Points `live` at a version, with at most one canary. `expect` is the revision just read, or `"absent"` if there
   * was no alias. Throws RevisionConflict if someone else wrote in between.
   */
  route(
    model: string,
    alias: Omit<LiveAlias, "revision">,
    options: { readonly expect: string | "absent" },
  ): Promise<LiveAlias>;
  /** Removes the alias, so that the model serves nothing. Throws RevisionConflict like `route`. */
  unroute(model: string, options: { readonly expect: string }): Promise<void>;
  /** Calls `live` or a version directly. Throws FunctionFailed if the function itself fails. */
  invoke(model: string, qualifier: "live" | { readonly version: string }, payload: Json): Promise<Invocation>;
  /** Removes everything that `ensure` and `publish` created for the model. */
  retire(model: string): Promise<void>;
  /** Models that have a function here. */
  models(): Promise<readonly string[]>;
}

/** What published versions need while nobody delivers them. */
export interface VersionUpkeep {
  /** Models that have a function here. */
  models(): Promise<readonly string[]>;
  /**
   * Calls a version for a moment without running its model, so that the platform keeps it ready: no record and no metrics of
   * ours. Does not wait for one that must be prepared first. Throws NotServed, FunctionFailed.
   */
  wake(model: string, version: string): Promise<WakeResult>;
  /**
   * Deletes versions whose snapshots cost by the hour: those with `snapStart` that are older than the newest of `keep`,
   * neither in `keep` nor live. A later publish of the same configuration makes such a version again.
   * @returns the deleted versions
   */
  deleteSnapshots(model: string, keep: readonly string[]): Promise<readonly string[]>;
}

/** Someone else changed the alias since it was read: read it again and decide. */
export class RevisionConflict extends SlipwayError {
  override readonly name = "RevisionConflict";
  override readonly retryable = true;
}

/** The image, function, version or alias does not exist. */
export class NotServed extends SlipwayError {
  override readonly name = "NotServed";
  override readonly retryable = false;
}

/** Too many requests wait for the version, like Lambda's throttling. The call did not run. */
export class FunctionBusy extends SlipwayError {
  override readonly name = "FunctionBusy";
  override readonly retryable = true;
}

/** The function crashed, ran out of memory or out of time. */
export class FunctionFailed extends SlipwayError {
  override readonly name = "FunctionFailed";
  override readonly retryable = false;
}
