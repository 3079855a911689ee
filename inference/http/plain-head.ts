import { defaultBodyLimits } from "./body-budget.ts";
import { isValidHost } from "./is-valid-host.ts";

/** The head of a request that needs nothing but its headers and a body of a known length. */
export type PlainHead = {
  /** The request line and the headers. */
  readonly text: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly bodyBytes: number;
};

/** A larger body takes so long that reading it by node:http costs nothing beside it; of these the body budget counts none. */
const maxPlainBodyBytes = defaultBodyLimits.free;

const headEnd = Buffer.from("\r\n\r\n");
const maxHeadBytes = 4_096;
/** The request line and the headers. */
const maxLines = 50;

/** RFC 9112, 3 and RFC 3986: a path and a query as most clients write them. */
const requestLine = /^POST (\/[\w\-.~!$&'()*+,;=:@%/]*)(?:\?([\w\-.~!$&'()*+,;=:@%/?]*))? HTTP\/1\.1$/;
/** RFC 9110, 5.6.2. */
const token = /^[\w!#$%&'*+\-.^`|~]+$/;
/** RFC 9110, 5.5: visible characters, spaces and tabs. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
/** These change how the body or the connection is read. */
const otherNames = new Set(["transfer-encoding", "expect", "upgrade", "trailer", "te", "http2-settings"]);

const isSpace = (character: string | undefined): boolean => character === " " || character === "\t";

/** RFC 9112, 5.1: a name, a colon without a space before it, and a value between spaces. */
const parseLine = (line: string): { readonly name: string; readonly value: string } | undefined => {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  if (!token.test(name)) return undefined;
  let start = colon + 1;
  let end = line.length;
  while (start < end && isSpace(line[start])) start++;
  while (start < end && isSpace(line[end - 1])) end--;
  const value = line.slice(start, end);
  return fieldValue.test(value) ? { name: name.toLowerCase(), value } : undefined;
};

const parseHead = (text: string): PlainHead | undefined => {
  const lines = text.split("\r\n");
  const [, path, query = ""] = requestLine.exec(lines[0] ?? "") ?? [];
  if (path === undefined || lines.length > maxLines) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const header = parseLine(line);
    // Of some repeated headers node:http joins the values, of others it takes the first.
    if (!header || headers.has(header.name) || otherNames.has(header.name)) return undefined;
    headers.set(header.name, header.value);
  }
  const host = headers.get("host");
  if (host === undefined || !isValidHost(host)) return undefined;
  if ((headers.get("connection") ?? "keep-alive").toLowerCase() !== "keep-alive") return undefined;
  const announced = headers.get("content-length") ?? "";
  if (!/^\d{1,5}$/.test(announced) || Number(announced) > maxPlainBodyBytes) return undefined;
  return { text, path, query, headers, bodyBytes: Number(announced) };
};

/** Clients send the same few heads again, with other lengths of the body. */
const knownHeads = new Map<string, PlainHead>();
const maxKnownHeads = 64;
const maxKnownLength = 512;

const findHead = (text: string): PlainHead | undefined => {
  const known = knownHeads.get(text);
  if (known) return known;
  const head = parseHead(text);
  if (!head || text.length > maxKnownLength) return head;
  if (knownHeads.size >= maxKnownHeads) knownHeads.clear();
  knownHeads.set(text, head);
  return head;
};

/**
 * Reads the head of a plain request: POST, HTTP/1.1, each header once, a small body of a known length, and nothing that
 * changes the connection. Undefined for everything else and for an incomplete head: these are node:http's.
 * @param bytes what has arrived, from the start of the request
 */
export const readPlainHead = (bytes: Buffer): PlainHead | undefined => {
  const end = bytes.indexOf(headEnd);
  if (end < 0 || end > maxHeadBytes) return undefined;
  return findHead(bytes.toString("latin1", 0, end));
};

/** Where the body begins, in bytes from the start of the request. */
export const findBodyStart = ({ text }: PlainHead): number => text.length + headEnd.length;
