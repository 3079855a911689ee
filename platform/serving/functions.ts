import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Json } from "#platform/store/store.ts";
import type { Environment, FunctionVersion } from "./serving.ts";

/** The body of an HTTP request, which becomes the event's in the function's own process: nobody else waits meanwhile. */
export type HttpBody = {
  readonly bytes: Uint8Array;
  /** Declared as text: it becomes a string where it reads as UTF-8, otherwise base64. */
  readonly isText: boolean;
  /** Bytes that the whole event may have as JSON. */
  readonly eventLimit: number;
};

/** The event, its body included, has more bytes than a function takes. */
export class EventTooLarge extends SlipwayError {
  override readonly name = "EventTooLarge";
  override readonly retryable = false;
}

/** One call of one published version. */
export type FunctionCall = {
  readonly environment: Environment;
  readonly model: string;
  readonly version: FunctionVersion;
  readonly payload: Json;
  /** What is missing in the payload, an HTTP event; the answer's body then comes as bytes, too. */
  readonly body?: HttpBody;
};

export type FunctionResponse = {
  readonly payload: Json;
  /** The body of an HTTP answer, which its payload then lacks. */
  readonly body?: Uint8Array;
  /** How long the handler took, in milliseconds. */
  readonly durationMs: number;
  /** Milliseconds of initialisation, where this call had to start the function. */
  readonly initMs?: number;
};

/** Where published versions run: what Lambda's data plane is on AWS. */
export interface Functions {
  /** Runs one call. Throws FunctionFailed when the function crashed, threw, or ran out of memory or time; EventTooLarge. */
  invoke(call: FunctionCall): Promise<FunctionResponse>;
}
