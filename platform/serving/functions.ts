import type { Json } from "../store/store.ts";
import type { Environment, FunctionVersion } from "./serving.ts";

/** One call of one published version. */
export type FunctionCall = {
  readonly environment: Environment;
  readonly model: string;
  readonly version: FunctionVersion;
  readonly payload: Json;
};

export type FunctionAnswer = {
  readonly payload: Json;
  /** How long the handler took, in milliseconds. */
  readonly durationMs: number;
  /** Milliseconds of initialisation, where this call had to start the function. */
  readonly initMs?: number;
};

/** Where published versions run: what Lambda's data plane is on AWS. */
export interface Functions {
  /** Runs one call. Throws FunctionFailed when the function crashed, threw, or ran out of memory or time. */
  invoke(call: FunctionCall): Promise<FunctionAnswer>;
}
