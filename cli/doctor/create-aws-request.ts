import * as z from "zod";
import { createSignedFetch } from "#platform/registry/signed-fetch.ts";

type Needs = Pick<Parameters<typeof createSignedFetch>[0], "fetch" | "region" | "credentials" | "clock"> & {
  /** Another address of all services: a test's. */
  readonly endpoint?: string | undefined;
};

/** One signed POST to a service; returns the response's body. Throws an error with the name that AWS gives it. */
export type AwsRequest = (
  service: "ec2" | "servicequotas",
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
) => Promise<string>;

const JsonError = z.object({
  __type: z.string(),
  message: z.string().optional(),
  Message: z.string().optional(),
});

const readError = (status: number, body: string): Error => {
  const json = JsonError.safeParse(parseJson(body)).data;
  const name = json?.__type.split("#").at(-1) ?? body.match(/<Code>([^<]+)<\/Code>/)?.[1];
  const message = json?.message ?? json?.Message ?? body.match(/<Message>([^<]*)<\/Message>/i)?.[1];
  return Object.assign(new Error(message ?? `AWS returned status ${status}`), {
    name: name ?? `Status${status}`,
  });
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/**
 * Requests to services of which the doctor needs a single read each: their SDK clients would be larger than all of this
 * command.
 */
export const createAwsRequest =
  ({ endpoint, ...needs }: Needs): AwsRequest =>
  async (service, { headers, body }) => {
    const url = endpoint ?? `https://${service}.${needs.region}.amazonaws.com/`;
    const response = await createSignedFetch({ ...needs, service })(url, {
      method: "POST",
      headers,
      body,
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw readError(response.status, text);
    return text;
  };
