import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Json } from "#platform/store/store.ts";

export type ExecutionStatus = "RUNNING" | "SUCCEEDED" | "FAILED" | "ABORTED" | "TIMED_OUT";

/** The name is what a Catch of the state machine matches. */
export type ExecutionError = { readonly name: string; readonly cause: string };

export type Execution = {
  /** The delivery's id. */
  readonly name: string;
  readonly status: ExecutionStatus;
  readonly input: Json;
  readonly output?: Json;
  readonly error?: ExecutionError;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt?: string;
};

export type StateEvent = {
  readonly state: string;
  readonly status: "entered" | "succeeded" | "failed" | "retried" | "caught";
  /** ISO 8601. */
  readonly at: string;
  /** Milliseconds since the state was entered. */
  readonly ms: number;
  /** All data of the execution after this state. */
  readonly output?: Json;
  readonly error?: ExecutionError;
};

/** Executions of the delivery state machine. */
export interface Deliveries {
  /** Starts an execution, unless this name has been used (`started: false`). */
  start(name: string, input: Json): Promise<{ readonly started: boolean }>;
  describe(name: string): Promise<Execution | undefined>;
  /** Oldest first. */
  history(name: string): Promise<readonly StateEvent[]>;
  /** Newest first. */
  list(options: {
    readonly limit: number;
    readonly status?: ExecutionStatus;
    readonly after?: string;
  }): Promise<{ readonly executions: readonly Execution[]; readonly cursor?: string }>;
  /**
   * Completes a waiting task. Throws TaskGone if no task waits for this token. With `execution`, the name of the task's
   * execution, a retry after a lost response succeeds; without it, that retry is TaskGone.
   */
  succeed(taskToken: string, output: Json, execution?: string): Promise<void>;
  fail(taskToken: string, error: ExecutionError, execution?: string): Promise<void>;
}

/** The token was used, timed out, or never existed. */
export class TaskGone extends SlipwayError {
  override readonly name = "TaskGone";
  override readonly retryable = false;
}
