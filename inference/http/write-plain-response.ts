import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { HttpResponse } from "./http-response.ts";
import { securityHeaders } from "./security-headers.ts";

/** RFC 9110, 5.5, as node:http checks it: no header can end its line. */
const invalidCharacter = /[^\t\x20-\x7e\x80-\xff]/;

let date = { second: 0, text: "" };
/** The Date header, formatted once a second. */
const formatDate = (now: number): string => {
  const second = Math.floor(now / 1_000);
  if (date.second !== second) date = { second, text: new Date(now).toUTCString() };
  return date.text;
};

const formatLine = (name: string, value: string): string => {
  if (invalidCharacter.test(value)) throw new TypeError(`the value of ${name} is no header`);
  return `${name}: ${value}\r\n`;
};

const usual: ReadonlyMap<string, string> = new Map(Object.entries(securityHeaders));
const usualLines = [...usual].map(([name, value]) => formatLine(name, value)).join("");

/** All headers as lines. Nearly all responses have the same security headers, which are one text. */
const formatLines = (headers: HttpResponse["headers"]): string => {
  let others = "";
  let found = 0;
  for (const [name, value] of Object.entries(headers))
    if (usual.get(name) === value) found++;
    else others += formatLine(name, value);
  if (found === usual.size) return usualLines + others;
  return Object.entries(headers)
    .map(([name, value]) => formatLine(name, value))
    .join("");
};

const formatHead = (
  { status, headers }: HttpResponse,
  bodyBytes: number,
  keepAliveSeconds: number | undefined,
): string => {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${formatLines(headers)}content-length: ${bodyBytes}\r\nDate: ${formatDate(Date.now())}\r\n`;
  return keepAliveSeconds === undefined
    ? `${head}Connection: close\r\n\r\n`
    : `${head}Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n\r\n`;
};

/**
 * Writes a response to POST, with the headers that node:http adds, in one piece where that is possible.
 * Throws TypeError for an invalid header.
 * @param keepAliveSeconds undefined: the connection will be closed
 */
export const writePlainResponse = (
  socket: Socket,
  response: HttpResponse,
  keepAliveSeconds: number | undefined,
): void => {
  const { body } = response;
  const bytes = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  const head = formatHead(response, bytes, keepAliveSeconds);
  if (typeof body === "string") {
    // A header may have characters beyond ASCII, each of which is one byte.
    if (bytes === body.length) socket.write(head + body, "latin1");
    else socket.write(Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body)]));
    return;
  }
  socket.cork();
  socket.write(head, "latin1");
  socket.write(body);
  socket.uncork();
};
