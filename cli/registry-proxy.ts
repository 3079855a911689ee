import { createServer, type IncomingMessage, type Server } from "node:http";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

type Needs = {
  /** MLflow, without a slash at its end. */
  readonly uri: string;
  /** Signs what it sends, where MLflow asks for that. */
  readonly fetch: typeof globalThis.fetch;
};

const localHost = /^(localhost|127\.0\.0\.1)(:\d{1,5})?$/;
/** What an HTTP API takes. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const bodyLimitBytes = 10_000_000;
/** Of a browser's request what MLflow reads; its host and origin are ours, and cookies of other local pages are nobody's business. */
const forwardedHeaders = ["accept", "content-type", "x-requested-with"];
/** `fetch` has unpacked the body. */
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
 * MLflow's pages and API on this machine, for who has rights in AWS and a browser that cannot sign. It signs whatever it is
 * asked, so it answers this machine alone: no other host's name (DNS rebinding), no other page's requests.
 */
export const createRegistryProxy = ({ uri, fetch }: Needs): Server =>
  createServer(async (request, response) => {
    const end = (status: number, sentence: string) =>
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${sentence}\n`);
    const { host = "", origin } = request.headers;
    if (!localHost.test(host)) return end(403, "This is served to localhost only.");
    if (origin !== undefined && origin !== `http://${host}`)
      return end(403, "This request did not come from the registry's own pages.");
    const body = await collectRequestBody(request);
    if (body === undefined) return end(413, "The API before MLflow takes 10 MB.");
    const headers = Object.fromEntries(
      forwardedHeaders.flatMap((name) => {
        const value = getOwnProperty(request.headers, name);
        return typeof value === "string" ? [[name, value]] : [];
      }),
    );
    try {
      const answer = await fetch(`${uri}${request.url ?? "/"}`, {
        method: request.method ?? "GET",
        headers,
        redirect: "manual",
        signal: AbortSignal.timeout(35_000),
        ...(body.byteLength > 0 ? { body } : {}),
      });
      response.writeHead(
        answer.status,
        Object.fromEntries([...answer.headers].filter(([name]) => !droppedHeaders.has(name))),
      );
      response.end(new Uint8Array(await answer.arrayBuffer()));
    } catch (fault) {
      end(502, `MLflow at ${uri} did not answer: ${fault instanceof Error ? fault.message : String(fault)}`);
    }
  });
