import { lookup } from "node:dns/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { ArtifactMissing, ArtifactRefused, ArtifactUnreachable } from "./artifacts.ts";
import { createHostError } from "./assert-artifact-allowed.ts";
import { isPublicAddress } from "./is-public-address.ts";
import { defaultTimeLimits, limitTime, type TimeLimits } from "./limit-time.ts";

type HttpsReaderDependencies = {
  /** Every IP address of a host name. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** A TLS connection to an address, with the certificate of a host. */
  readonly connect: (address: string, host: string) => Duplex;
  readonly limits: TimeLimits;
};

type ReadOptions = {
  /** Whether the first host and each host of a redirect is allowed. */
  readonly isAllowed: (host: string) => boolean;
  /** Sent to the first host only. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Gets the declared length before anything is read; throws to refuse it. */
  readonly onLength?: (bytes: number) => void;
};

/** Reads the file at an https address, in chunks. */
export type HttpsReader = (uri: string, options: ReadOptions) => AsyncIterable<Uint8Array>;

const maxRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/** This machine's resolver and TLS. */
export const internet: HttpsReaderDependencies = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  connect: (address, host) =>
    connect({ host: address, port: 443, servername: host, ALPNProtocols: ["http/1.1"] }),
  limits: defaultTimeLimits,
};

/** Rejects with `createError` after some milliseconds. */
const rejectLate = async <T>(promise: Promise<T>, ms: number, createError: () => Error): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(createError()), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** The text without its query, which may hold a signature. */
const describeUrl = ({ host, pathname }: URL): string => `https://${host}${pathname}`;

const parseLocation = (location: string | undefined, from: URL): URL => {
  if (location === undefined || !URL.canParse(location, from.href))
    throw new ArtifactUnreachable(`${from.host} redirects to nowhere: deliver again when it answers.`);
  return new URL(location, from);
};

/**
 * Reads files over https for a role that may reach more than their authors: only allowed hosts, and only at public
 * addresses. It resolves each name once and connects to that very address, so that a second answer of DNS cannot lead
 * elsewhere. Both are checked again after each redirect. Bytes are never decompressed.
 * Throws ArtifactRefused, ArtifactMissing and ArtifactUnreachable.
 */
export const createHttpsReader = ({ resolve, connect, limits }: HttpsReaderDependencies): HttpsReader => {
  const createLateError = (url: URL, limit: string) =>
    new ArtifactUnreachable(`${describeUrl(url)}: ${limit}. Deliver again, or use a faster host.`);

  const findAddress = async (url: URL, isAllowed: ReadOptions["isAllowed"]): Promise<string> => {
    const host = url.hostname;
    if (url.protocol !== "https:" || url.port !== "" || url.username !== "" || url.password !== "")
      throw new ArtifactRefused(
        `${describeUrl(url)} is not read: only https on its own port, without a user, is allowed.`,
      );
    if (isIP(host.replace(/^\[|\]$/g, "")) !== 0)
      throw new ArtifactRefused(`${host} is not read: use the host's name in place of its address.`);
    if (!isAllowed(host)) throw createHostError(host);
    const addresses = await rejectLate(resolve(host), limits.idleMs, () =>
      createLateError(url, `its name has no address after ${limits.idleMs / 1_000} s`),
    ).catch((error: unknown) => {
      if (error instanceof ArtifactUnreachable) throw error;
      throw new ArtifactUnreachable(`${host} has no address: check its name, or deliver again later.`, {
        cause: error,
      });
    });
    const [first] = addresses;
    if (first === undefined)
      throw new ArtifactUnreachable(`${host} has no address: check its name, or deliver again later.`);
    // Not the first public one: who mixes both wants the reader inside.
    const inner = addresses.find((address) => !isPublicAddress(address));
    if (inner !== undefined)
      throw new ArtifactRefused(
        `${host} has the address ${inner}, which is not public: put the artefact on a host of the internet, or into an allowed bucket.`,
      );
    return first;
  };

  const get = async (
    url: URL,
    { isAllowed, headers }: Pick<ReadOptions, "isAllowed" | "headers">,
  ): Promise<IncomingMessage> => {
    const address = await findAddress(url, isAllowed);
    return new Promise<IncomingMessage>((resolveResponse, reject) => {
      const call = request(url, {
        // An agent would resolve the name a second time, and go where that answer leads.
        createConnection: () => connect(address, url.hostname),
        headers: { accept: "*/*", "user-agent": "slipway", ...headers, "accept-encoding": "identity" },
      });
      const timer = setTimeout(
        () => call.destroy(createLateError(url, `did not answer within ${limits.idleMs / 1_000} s`)),
        limits.idleMs,
      );
      call.once("response", (response) => {
        clearTimeout(timer);
        resolveResponse(response);
      });
      call.on("error", (error) => {
        clearTimeout(timer);
        reject(
          error instanceof ArtifactUnreachable
            ? error
            : new ArtifactUnreachable(
                `${describeUrl(url)} does not answer: ${error.message}. Deliver again later.`,
                {
                  cause: error,
                },
              ),
        );
      });
      call.end();
    });
  };

  const follow = async (uri: string, options: ReadOptions) => {
    let url = new URL(uri);
    for (let count = 0; count <= maxRedirects; count += 1) {
      const response = await get(url, count === 0 ? options : { isAllowed: options.isAllowed });
      if (!redirects.has(response.statusCode ?? 0)) return { url, response };
      response.destroy();
      url = parseLocation(response.headers.location, url);
    }
    throw new ArtifactRefused(
      `${describeUrl(new URL(uri))} redirects more than ${maxRedirects} times: use the address of the file itself.`,
    );
  };

  const assertUsable = (url: URL, { statusCode = 0, headers }: IncomingMessage): void => {
    if (statusCode === 429 || statusCode >= 500)
      throw new ArtifactUnreachable(`${describeUrl(url)} answers with ${statusCode}: deliver again later.`);
    if (statusCode !== 200)
      throw new ArtifactMissing(
        `${describeUrl(url)} answers with ${statusCode}: put the artefact there, readable without a login, or correct artifact.uri.`,
      );
    const encoding = headers["content-encoding"] ?? "identity";
    if (encoding.toLowerCase() !== "identity")
      throw new ArtifactRefused(
        `${describeUrl(url)} sends its content as ${encoding.slice(0, 40)}: store the file without compression, because sha256 is that of the file.`,
      );
  };

  return async function* (uri, options) {
    const { url, response } = await follow(uri, options);
    try {
      assertUsable(url, response);
      const length = Number(response.headers["content-length"]);
      if (Number.isSafeInteger(length)) options.onLength?.(length);
      yield* limitTime(response, limits, (limit) => createLateError(url, limit));
    } catch (error) {
      // A cut connection; every other error has its own name already.
      if (error instanceof Error && "code" in error)
        throw new ArtifactUnreachable(
          `${describeUrl(url)} ended early: ${error.message}. Deliver again later.`,
          {
            cause: error,
          },
        );
      throw error;
    } finally {
      response.on("error", () => undefined);
      response.destroy();
    }
  };
};
