import type { ScannedRows } from "#inference/model/predict-columns.ts";

/** A request, independent of the host: Node's server, a Lambda event, a test. */
export type HttpRequest = {
  readonly method: string;
  /** Percent-encoded as received; starts with a slash and has no query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Returns a header's value by its lower-case name. */
  header(name: string): string | undefined;
  /**
   * Reads the body; undefined as soon as it is longer than `limit` bytes. Call it at most once.
   * Rejects with BodyUnreadable if the body ends early or exceeds the memory budget.
   */
  body(limit: number): Promise<Uint8Array | undefined>;
  /** The rows of the body of a predict request, where they were read on the way to the route. */
  readonly scanned?: ScannedRows | undefined;
};
