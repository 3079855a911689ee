import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Json } from "#platform/store/store.ts";

export type ExecutionStatus = "RUNNING" | "SUCCEEDED" | "FAILED" | "ABORTED" | "TIMED_OUT";

export type Execution = {
  /** The delivery's id. */
  readonly name: string;
  readonly status: ExecutionStatus;
  readonly input: Json;
  readonly output?: Json;
  /** Name and cause of the fault it ended with. */
  readonly error?: { readonly name: string; readonly cause: string };
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
  /** The state's whole data after it succeeded. */
  readonly output?: Json;
  readonly error?: { readonly name: string; readonly cause: string };
};

/** Executions of the delivery state machine. */
export interface Deliveries {
  /** Starts one; the same name again is the same execution (`started: false`). */
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
   * Answers a waiting task. Throws TaskGone when nobody waits for this token any more. `execution`: whose task it is,
   * where that is known: then an answer that was taken, but of which the network lost the news, is told from a late one.
   */
  succeed(taskToken: string, output: Json, execution?: string): Promise<void>;
  fail(
    taskToken: string,
    error: { readonly name: string; readonly cause: string },
    execution?: string,
  ): Promise<void>;
  stop(name: string, cause: string): Promise<void>;
}

/** The token was answered, timed out, or never existed. */
export class TaskGone extends SlipwayError {
  override readonly name = "TaskGone";
  override readonly retryable = false;
}
