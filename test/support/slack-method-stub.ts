import type { SlackNeeds } from "#cli/doctor/call-slack.ts";

type Body = Readonly<Record<string, unknown>>;

/** Slack's Web API with one response for each method; a method that is not listed fails the test. */
export const stubSlackMethods = (
  methods: Readonly<Record<string, Body>>,
  { token = "xoxb-test", scopes }: { readonly token?: string; readonly scopes?: string } = {},
) => {
  const calls: { readonly method: string; readonly parameters: Readonly<Record<string, string>> }[] = [];
  const needs: SlackNeeds = {
    secrets: { read: async () => token },
    fetch: async (input, init) => {
      const method = String(input).replace("https://slack.com/api/", "");
      const body = methods[method];
      if (body === undefined) throw new Error(`unexpected call of ${method}`);
      calls.push({ method, parameters: Object.fromEntries(new URLSearchParams(String(init?.body ?? ""))) });
      return Response.json(body, scopes === undefined ? {} : { headers: { "x-oauth-scopes": scopes } });
    },
  };
  return { needs, calls };
};
