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
  /** Called for each request, because a role's credentials expire. */
  readonly credentials: () => Promise<Credentials>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** The service that the signature names; API Gateway if absent. */
  readonly service?: string;
};

/** SHA-256, or HMAC-SHA256 with a secret, with the interface of the signer. */
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
    throw new Error("A hash can be used only once.");
  }
}

const toBytes = (buffer: ArrayBuffer | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);

const toQuery = ({ searchParams }: URL): Record<string, string[]> =>
  Object.fromEntries([...new Set(searchParams.keys())].map((name) => [name, searchParams.getAll(name)]));

/**
 * A `fetch` for HTTP APIs with IAM authorization: it signs requests, including the body, with the caller's credentials.
 * Bodies are texts or bytes. A stream is not read here: its caller gives its hash as x-amz-content-sha256.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
 */
export const createSignedFetch = ({
  fetch,
  region,
  credentials,
  clock,
  service = "execute-api",
}: Needs): typeof globalThis.fetch => {
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const { body } = init;
    const headers = new Headers(init.headers);
    const isHashed = headers.has("x-amz-content-sha256");
    const isSigned = typeof body === "string" || body instanceof Uint8Array;
    if (body !== undefined && body !== null && !isHashed && !isSigned)
      throw new TypeError("Only texts, bytes, and streams with their hash can be signed.");
    const signed = await signer.sign(
      {
        method: init.method ?? "GET",
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query: toQuery(url),
        headers: { ...Object.fromEntries(headers), host: url.host },
        ...(isSigned ? { body } : {}),
      },
      { signingDate: new Date(clock()) },
    );
    // `fetch` sets the Host header from the URL.
    const { host: _, ...signedHeaders } = signed.headers;
    return fetch(url, { ...init, headers: signedHeaders });
  };
};
