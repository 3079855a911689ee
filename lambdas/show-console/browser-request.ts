import * as z from "zod";

/** A browser's request, with the names of headers in lower case. */
export type BrowserRequest = {
  readonly method: string;
  readonly path: string;
  /** As it arrived, without the question mark. */
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly cookies: ReadonlyMap<string, string>;
};
export type BrowserResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly body: string;
};

/**
 * The parts of an HTTP API event that are read, payload version 2.0. API Gateway moves cookies from the headers to a
 * list of their own.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
const HttpApiEvent = z.object({
  version: z.literal("2.0"),
  rawPath: z.string(),
  rawQueryString: z.string().default(""),
  cookies: z.array(z.string()).default([]),
  headers: z.record(z.string(), z.string().optional()).default({}),
  requestContext: z.object({ http: z.object({ method: z.string() }) }),
});

const parseCookie = (text: string): readonly [string, string] => {
  const end = text.indexOf("=");
  return end < 0 ? ["", text] : [text.slice(0, end).trim(), text.slice(end + 1).trim()];
};

/** Slack's answer to a sign-in is the longest address. */
const longestAddress = 8_192;

/** Reads a browser's request from an HTTP API's event; undefined: its address is too long. Throws ZodError for another event. */
export const parseBrowserRequest = (event: unknown): BrowserRequest | undefined => {
  const data = HttpApiEvent.parse(event);
  if (data.rawPath.length + data.rawQueryString.length > longestAddress) return undefined;
  const headers = Object.entries(data.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name.toLowerCase(), value] as const],
  );
  return {
    method: data.requestContext.http.method,
    path: data.rawPath,
    query: data.rawQueryString,
    headers: new Map(headers),
    cookies: new Map(data.cookies.map(parseCookie)),
  };
};

/** The response in API Gateway's form. */
export const toHttpApiResponse = ({ status, headers, cookies = [], body }: BrowserResponse) => ({
  statusCode: status,
  headers,
  cookies,
  body,
});
