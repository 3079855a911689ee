import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Checks the URL of Slack's callbacks: a 401 for an unsigned request shows that the function itself responds. */
export const checkSlackCallback = async (
  needs: { readonly fetch: typeof fetch },
  { SLACK_CALLBACK_URL: url }: Pick<AwsOutputs, "SLACK_CALLBACK_URL">,
): Promise<DoctorFinding> => {
  const remedy =
    "Apply the stack `delivery`, and enter the URL in the Slack app under Interactivity & Shortcuts.";
  if (url === undefined)
    return { status: "warning", sentence: "The URL of Slack's callbacks is not set.", remedy };
  const { status } = await needs.fetch(url, {
    method: "POST",
    body: "",
    signal: AbortSignal.timeout(10_000),
  });
  return status === 401
    ? { status: "ok", sentence: `Slack's callbacks reach ${url}, which refuses unsigned requests.` }
    : {
        status: "missing",
        sentence: `${url} returned status ${status} to an unsigned request, not 401.`,
        remedy,
      };
};
