import { createServer, type IncomingMessage, type Server } from "node:http";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

type Needs = {
  /** MLflow's URL, without a trailing slash. */
  readonly uri: string;
  /** Signs its requests, where MLflow requires that. */
  readonly fetch: typeof globalThis.fetch;
};

const localHost = /^(localhost|127\.0\.0\.1)(:\d{1,5})?$/;
/** The largest body of an HTTP API. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const bodyLimitBytes = 10_000_000;
/**
 * The headers that MLflow reads. Host and origin are this proxy's, and cookies may belong to other local pages.
 */
const forwardedHeaders = ["accept", "content-type", "x-requested-with"];
/** They describe the connection to MLflow, whose body `fetch` has decompressed. */
const droppedHeaders = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "keep-alive",
  "transfer-encoding",
]);

const collectRequestBody = async (request: IncomingMessage): Promise<Uint8Array | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > bodyLimitBytes) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
};

/**
 * Serves MLflow's pages and API on this machine, because a browser cannot sign requests to AWS. It signs every request, so
 * it refuses other host names (DNS rebinding) and requests of other origins.
 */
export const createRegistryProxy = ({ uri, fetch }: Needs): Server =>
  createServer(async (request, response) => {
    const end = (status: number, sentence: string) =>
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${sentence}\n`);
    const { host = "", origin } = request.headers;
    if (!localHost.test(host)) return end(403, "Only localhost may call this server.");
    if (origin !== undefined && origin !== `http://${host}`)
      return end(403, "Another origin sent this request: open MLflow's pages at this address.");
    const body = await collectRequestBody(request);
    if (body === undefined) return end(413, "The body is too large (limit 10 MB).");
    const headers = Object.fromEntries(
      forwardedHeaders.flatMap((name) => {
        const value = getOwnProperty(request.headers, name);
        return typeof value === "string" ? [[name, value]] : [];
      }),
    );
    try {
      const upstream = await fetch(`${uri}${request.url ?? "/"}`, {
        method: request.method ?? "GET",
        headers,
        redirect: "manual",
        signal: AbortSignal.timeout(35_000),
        ...(body.byteLength > 0 ? { body } : {}),
      });
      response.writeHead(
        upstream.status,
        Object.fromEntries([...upstream.headers].filter(([name]) => !droppedHeaders.has(name))),
      );
      response.end(new Uint8Array(await upstream.arrayBuffer()));
    } catch (error) {
      end(
        502,
        `MLflow at ${uri} does not respond: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  });
