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

const securityEntries = Object.entries(securityHeaders);
const securityNames = new Set(Object.keys(securityHeaders));
const securityLines = securityEntries.map(([name, value]) => formatLine(name, value)).join("");

const formatHead = (
  { status, headers }: HttpResponse,
  bodyBytes: number,
  keepAliveSeconds: number | undefined,
): string => {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  // Nearly all responses have the same of these.
  const isUsual = securityEntries.every(([name, value]) => headers[name] === value);
  if (isUsual) head += securityLines;
  for (const name of Object.keys(headers))
    if (!isUsual || !securityNames.has(name)) head += formatLine(name, headers[name] ?? "");
  head += `content-length: ${bodyBytes}\r\nDate: ${formatDate(Date.now())}\r\n`;
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
