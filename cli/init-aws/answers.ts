import * as z from "zod";
import { explainMailDomain } from "#domain/approval/explain-mail-domain.ts";
import { SlackUser } from "#model-folder/manifest/manifest.ts";

const accountId = z.string('quote it: "123456789012"').regex(/^\d{12}$/, "an account id has 12 digits");
const text = z.string("write one text, in quotes");

/** What `slipway init aws` asks. It holds no secret: those go into SSM by hand after the apply. */
export const Answers = z.strictObject({
  /** The accounts; the same id three times is a trial. */
  tooling: accountId,
  stage: accountId,
  prod: accountId,
  region: text.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a region has the form eu-central-1"),
  /** The repository of the models, `codecommit:models` or `github:acme/models`. */
  source: text.regex(
    /^(codecommit:[\w.-]{1,100}|github:[\w.-]+\/[\w.-]+)$/,
    "write codecommit:<name> or github:<owner>/<name>",
  ),
  branch: text.regex(/^[^\s"'`\\$]+$/, "a branch is a name without spaces"),
  /** As what deliveries are shown on GitHub; empty: they are not. */
  reports: text.regex(
    /^(pat|app:[\w.-]{1,100}:\d{1,20})?$/,
    "write app:<app id>:<installation's number>, or pat for a personal access token; empty: not shown",
  ),
  slackTeam: text.regex(/^T[A-Z0-9]+$/, "a workspace's id starts with T"),
  slackApp: text.regex(/^A[A-Z0-9]+$/, "an app's id starts with A"),
  slackChannel: text.regex(/^[CG][A-Z0-9]+$/, "a channel's id starts with C or G"),
  approvers: z
    .array(SlackUser, "write a list, [U024BE7LH]")
    .min(1, "at least one approver")
    .max(50, "at most 50 approvers"),
  /** Who gets alarms by e-mail. */
  alarmEmails: z
    .array(z.email("an e-mail address has the form name@example.com"), "write a list, [name@example.com]")
    .min(1, "at least one address"),
  /** The domain of the organisation's e-mail addresses. */
  mailDomain: text
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "a domain in lower case, for example example.com")
    .superRefine((domain, context) => {
      const message = explainMailDomain(domain);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    }),
  operators: z
    .array(
      z
        .string()
        .regex(
          /^arn:aws:iam::\d{12}:role\/[\w+=,.@/*-]+$/,
          "an operator is a role's ARN; use * to match several roles",
        ),
      "write a list, [arn:aws:iam::123456789012:role/people-*]",
    )
    .min(1, "at least one role, which applies the stacks"),
  /** The GitHub repository whose workflow plans and applies; empty: people apply. */
  ci: text.regex(/^([\w.-]+\/[\w.-]+)?$/, "a GitHub repository is owner/name; empty for none"),
  /** USD a month; 0: no budget. */
  budget: z.coerce
    .number("a number of USD a month, 0 for none")
    .min(0, "a number of USD a month, 0 for none"),
  /** Who hears that the budget is nearly used; empty without a budget. */
  budgetEmail: z.union(
    [z.literal(""), z.email()],
    "an e-mail address, name@example.com; empty without a budget",
  ),
});
export type Answers = z.infer<typeof Answers>;
export type AnswerName = keyof Answers;
