import * as z from "zod";
import { SlackUser } from "#model-folder/manifest/manifest.ts";

const accountId = z.string().regex(/^\d{12}$/, "an account id has 12 digits");

/** What `slipway init aws` asks. It holds no secret: those go into SSM by hand after the apply. */
export const Answers = z.strictObject({
  /** The accounts; the same id three times is a trial. */
  tooling: accountId,
  stage: accountId,
  prod: accountId,
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a region has the form eu-central-1"),
  /** The repository of the models, `codecommit:models` or `github:acme/models`. */
  source: z
    .string()
    .regex(
      /^(codecommit:[\w.-]{1,100}|github:[\w.-]+\/[\w.-]+)$/,
      "write codecommit:<name> or github:<owner>/<name>",
    ),
  branch: z.string().regex(/^[^\s"'`\\$]+$/, "a branch is a name without spaces"),
  slackTeam: z.string().regex(/^T[A-Z0-9]+$/, "a workspace's id starts with T"),
  slackApp: z.string().regex(/^A[A-Z0-9]+$/, "an app's id starts with A"),
  slackChannel: z.string().regex(/^[CG][A-Z0-9]+$/, "a channel's id starts with C or G"),
  approvers: z.array(SlackUser).min(1, "at least one approver").max(50),
  /** Who gets alarms by e-mail. */
  alarmEmails: z
    .array(z.email("an e-mail address has the form name@example.com"))
    .min(1, "at least one address"),
  /** The domain of the organisation's e-mail addresses. */
  mailDomain: z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "a domain in lower case, example.com"),
  operators: z
    .array(
      z
        .string()
        .regex(
          /^arn:aws:iam::\d{12}:role\/[\w+=,.@/*-]+$/,
          "an operator is a role's ARN; use * to match several roles",
        ),
    )
    .min(1, "at least one role, which applies the stacks"),
  /** The GitHub repository whose workflow plans and applies; empty: people apply. */
  ci: z.string().regex(/^([\w.-]+\/[\w.-]+)?$/, "a GitHub repository is owner/name; empty for none"),
  /** USD a month; 0: no budget. */
  budget: z.coerce.number().min(0, "a budget is USD a month, 0 for none"),
  /** Who hears that the budget is nearly used; empty without a budget. */
  budgetEmail: z.union([z.literal(""), z.email("an e-mail address")]),
});
export type Answers = z.infer<typeof Answers>;
export type AnswerName = keyof Answers;
