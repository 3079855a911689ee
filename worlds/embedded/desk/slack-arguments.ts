/** The arguments of a Web API call in all forms that Slack accepts, and Slack's errors. */
import type { Context } from "hono";
import { z } from "zod";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** An error in Slack's form: HTTP 200, `ok` false, the error's name, lines for a person. */
export class SlackError extends Error {
  override readonly name = "SlackError";
  readonly error: string;
  readonly messages: readonly string[];
  constructor(error: string, messages: readonly string[] = []) {
    super(error);
    this.error = error;
    this.messages = messages;
  }
}

export type Arguments = Readonly<Record<string, unknown>>;

export const readArguments = async (c: Context): Promise<Arguments> => {
  const type = c.req.header("content-type") ?? "";
  if (c.req.method === "GET") return c.req.query();
  if (type.startsWith("application/json")) {
    const body = z.record(z.string(), z.unknown()).safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) throw new SlackError("invalid_json");
    return body.data;
  }
  return c.req.parseBody();
};

/** A structured argument: a value in a JSON body, JSON text in a form field. */
export const readJsonArgument = (value: unknown, error: string): unknown => {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    throw new SlackError(error);
  }
};

export const readTextArgument = (args: Arguments, name: string): string | undefined => {
  const value = getOwnProperty(args, name);
  return value === undefined || value === null ? undefined : String(value);
};
export const isTrue = (value: unknown) => value === true || value === "true" || value === "1";
