import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";

type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
};

type Needs = {
  readonly fetch: typeof globalThis.fetch;
  readonly region: string;
  /** Asked for each request: a role's credentials end. */
  readonly credentials: () => Promise<Credentials>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/** SHA-256, with a key HMAC, in the form that the signer takes. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash("sha256")
        : createHmac("sha256", typeof secret === "string" ? secret : toBytes(secret));
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {
    throw new Error("A hash is used once.");
  }
}

const toBytes = (buffer: ArrayBuffer | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);

const toQuery = ({ searchParams }: URL): Record<string, string[]> =>
  Object.fromEntries([...new Set(searchParams.keys())].map((name) => [name, searchParams.getAll(name)]));

/**
 * A `fetch` whose requests an HTTP API takes that asks for IAM: signed with the caller's credentials, body and all.
 * Bodies are texts or bytes; a stream could not be signed before it is sent.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
 */
export const createSignedFetch = ({ fetch, region, credentials, clock }: Needs): typeof globalThis.fetch => {
  const signer = new SignatureV4({ service: "execute-api", region, credentials, sha256: Sha256 });
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const { body } = init;
    if (body !== undefined && body !== null && typeof body !== "string" && !(body instanceof Uint8Array))
      throw new TypeError("Only texts and bytes can be signed.");
    const signed = await signer.sign(
      {
        method: init.method ?? "GET",
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query: toQuery(url),
        headers: { ...Object.fromEntries(new Headers(init.headers)), host: url.host },
        ...(body === undefined || body === null ? {} : { body }),
      },
      { signingDate: new Date(clock()) },
    );
    // `fetch` writes the Host header itself, from the address.
    const { host: _, ...headers } = signed.headers;
    return fetch(url, { ...init, headers });
  };
};
