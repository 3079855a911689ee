import * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
export const EnvironmentName = z.enum(["stage", "prod"]);

import type { Json } from "#platform/store/store.ts";

export type Environment = "stage" | "prod";
export const environments = ["stage", "prod"] as const satisfies readonly Environment[];

/** What a function version is made of; the same configuration published twice is the same version. */
export type FunctionConfig = {
  /** The image, `sha256:…`. */
  readonly digest: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** What is known only at deployment (registry version, environment) reaches the function here. */
  readonly variables: Readonly<Record<string, string>>;
};

export type FunctionVersion = { readonly version: string; readonly config: FunctionConfig };

/** The alias `live`: which version answers, and which second version takes a share of the requests. */
export type LiveAlias = {
  readonly version: string;
  /** `weight`: the share of requests that go to this version, between 0 and 1. */
  readonly canary?: { readonly version: string; readonly weight: number };
  /** Holds `fence=<n> delivery=<id>` of the last writer. */
  readonly description: string;
  /** Changes with every write; a write passes the one that it read. */
  readonly revision: string;
};

export type Invocation = {
  readonly payload: Json;
  /** The version that answered. */
  readonly version: string;
  /** How long the function took, as the platform measured it, in milliseconds. */
  readonly durationMs: number;
  /** Milliseconds of initialisation, where this invocation had to start the function. */
  readonly initMs?: number;
};

/** One environment's inference functions. */
export interface Serving {
  /** Creates function, log group and route of a model where they are missing; the address that applications call. */
  ensure(model: string): Promise<{ readonly url: string }>;
  /** Publishes this configuration as a version, or finds the version that already has it. No traffic goes there. */
  publish(model: string, config: FunctionConfig): Promise<FunctionVersion>;
  version(model: string, version: string): Promise<FunctionVersion | undefined>;
  live(model: string): Promise<LiveAlias | undefined>;
  /**
   * Points `live` at a version, with at most one canary beside it. `expect` is the revision just read, or
   * `"absent"` where there was no alias. Throws RevisionConflict when someone else wrote in between.
   */
  route(
    model: string,
    alias: Omit<LiveAlias, "revision">,
    options: { readonly expect: string | "absent" },
  ): Promise<LiveAlias>;
  /** Takes the alias away: the model answers nobody. Throws RevisionConflict like `route`. */
  unroute(model: string, options: { readonly expect: string }): Promise<void>;
  /** Calls `live` or a version directly. Throws FunctionFailed when the function itself broke. */
  invoke(model: string, qualifier: "live" | { readonly version: string }, payload: Json): Promise<Invocation>;
  /** Removes all that `ensure` and `publish` made for the model. */
  retire(model: string): Promise<void>;
  /** Models that have a function here. */
  models(): Promise<readonly string[]>;
}

/** Someone else changed the alias since it was read: read again and decide. */
export class RevisionConflict extends SlipwayError {
  override readonly name = "RevisionConflict";
  override readonly retryable = true;
}

/** The image, function, version or alias that was named is not there. */
export class NotServed extends SlipwayError {
  override readonly name = "NotServed";
  override readonly retryable = false;
}

/** More requests wait for the version than it takes, as Lambda throttles them. Nothing was run. */
export class FunctionBusy extends SlipwayError {
  override readonly name = "FunctionBusy";
  override readonly retryable = true;
}

/** The function crashed, ran out of memory or out of time. */
export class FunctionFailed extends SlipwayError {
  override readonly name = "FunctionFailed";
  override readonly retryable = false;
}
