import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Whether Slack's clicks arrive: what is not signed has to be refused, by our function and nobody before it. */
export const checkSlackCallback = async (
  needs: { readonly fetch: typeof fetch },
  { SLACK_CALLBACK_URL: url }: AwsOutputs,
): Promise<DoctorFinding> => {
  const remedy =
    "Apply the stack `delivery`, and put the address into the Slack app under Interactivity & Shortcuts.";
  if (url === undefined)
    return { status: "warning", sentence: "Nobody says where Slack's clicks arrive.", remedy };
  const { status } = await needs.fetch(url, {
    method: "POST",
    body: "",
    signal: AbortSignal.timeout(10_000),
  });
  return status === 401
    ? { status: "ok", sentence: `Slack's clicks arrive at ${url}, and what is not signed is refused.` }
    : {
        status: "missing",
        sentence: `${url} answers ${status} to a request that nobody signed, and not 401.`,
        remedy,
      };
};
