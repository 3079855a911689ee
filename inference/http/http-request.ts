/** A request as every host has it: Node's server, Lambda's event, a test. */
export type HttpRequest = {
  readonly method: string;
  /** As it came, percent-encoded; begins with a slash and holds no query. */
  readonly path: string;
  /** Without its question mark. */
  readonly query: string;
  /** A header's value by its lower-case name. */
  header(name: string): string | undefined;
  /**
   * The body; undefined as soon as it is longer than `limit` bytes. Read at most once.
   * Rejects with BodyUnreadable where it breaks off or there is no room for it.
   */
  body(limit: number): Promise<Uint8Array | undefined>;
};
