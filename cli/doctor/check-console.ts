import * as z from "zod";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { callSlack, type SlackNeeds } from "./call-slack.ts";
import type { DoctorFinding } from "./finding.ts";

const Group = z.object({ users: z.array(z.string()) });

/** Checks the console's address and the user group that may read it; undefined where there is no console. */
export const checkConsole = async (
  needs: SlackNeeds,
  { CONSOLE_URL: url, CONSOLE_USER_GROUP: userGroup = "" }: AwsOutputs,
): Promise<DoctorFinding | undefined> => {
  if (url === undefined) return undefined;
  // This page needs neither a session nor Slack.
  const { status } = await needs.fetch(`${url}/signed-out`, {
    redirect: "manual",
    signal: AbortSignal.timeout(10_000),
  });
  if (status !== 200)
    return {
      status: "warning",
      sentence: `The console at ${url} returned status ${status}, not 200.`,
      remedy: "Apply the stack `delivery`; the log of slipway-show-console has the reason of an error.",
    };
  const answer = await callSlack(needs, "usergroups.users.list", { usergroup: userGroup });
  // Another check reports the token.
  if (answer === undefined) return { status: "ok", sentence: `The console is at ${url}.` };
  const members = answer.ok ? Group.parse(answer).users.length : 0;
  return members > 0
    ? {
        status: "ok",
        sentence: `The console is at ${url}, for the ${members} members of the user group ${userGroup}.`,
      }
    : {
        status: "warning",
        sentence: answer.ok
          ? `The console is at ${url}, but the user group ${userGroup} has no members, so nobody may read it.`
          : `The console is at ${url}, but Slack does not show the user group ${userGroup}: ${answer.error}.`,
        remedy:
          "Write the id of a user group with members to console.userGroup in terraform/config.ts and apply the stack `delivery`. The app needs the scope usergroups:read.",
      };
};
