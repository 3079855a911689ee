import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Json } from "#platform/store/store.ts";
import type { Environment, FunctionVersion } from "./serving.ts";

/** The body of an HTTP request. The function's process adds it to the event, so that the gateway's process does not block. */
export type HttpBody = {
  readonly bytes: Uint8Array;
  /** The content type is a text: the body becomes a string if it is valid UTF-8, otherwise base64. */
  readonly isText: boolean;
  /** The largest size of the whole event as JSON, in bytes. */
  readonly eventLimit: number;
};

/** The event, including its body, is larger than a function accepts. */
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
  /** The caller named the version instead of the alias `live`: the call is no traffic. */
  readonly byVersion?: true;
  /** The body of the payload, an HTTP event; then the response's body is bytes, too. */
  readonly body?: HttpBody;
};

export type FunctionResponse = {
  readonly payload: Json;
  /** The body of an HTTP response; the payload then has no body. */
  readonly body?: Uint8Array;
  /** Duration of the handler in milliseconds. */
  readonly durationMs: number;
  /** Milliseconds of initialisation, if this call started the function. */
  readonly initMs?: number;
};

/** Runs published versions, like Lambda's data plane on AWS. */
export interface Functions {
  /** Throws FunctionFailed if the function crashes, throws, or runs out of memory or time; EventTooLarge. */
  invoke(call: FunctionCall): Promise<FunctionResponse>;
}
