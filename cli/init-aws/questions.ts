import type { AnswerName } from "./answers.ts";

type Question = {
  readonly name: AnswerName;
  /** The option of the command, without its dashes. */
  readonly flag: string;
  readonly question: string;
  /** Where a person finds the answer. */
  readonly hint: string;
  /** Absent: always. Otherwise whether the answers so far make it a question. */
  readonly isAsked?: (answers: Readonly<Partial<Record<AnswerName, unknown>>>) => boolean;
};

/** The questions in their order. */
export const questions: readonly Question[] = [
  { name: "tooling", flag: "tooling", question: "Account id of tooling", hint: "12 digits" },
  {
    name: "stage",
    flag: "stage",
    question: "Account id of stage",
    hint: "12 digits, or tooling's id for a trial",
  },
  {
    name: "prod",
    flag: "prod",
    question: "Account id of prod",
    hint: "12 digits, or tooling's id for a trial",
  },
  {
    name: "region",
    flag: "region",
    question: "Region of all three",
    hint: "for example us-east-1 or eu-central-1",
  },
  {
    name: "source",
    flag: "source",
    question: "Repository of the models",
    hint: "codecommit:<name>, which Terraform creates, or github:<owner>/<name>",
  },
  { name: "branch", flag: "branch", question: "Branch that is delivered", hint: "main" },
  {
    name: "reports",
    flag: "reports",
    question: "Deployments and commit statuses on GitHub",
    hint: "app:<app id>:<installation's number> of a GitHub App with the permissions deployments: write and statuses: write and no other; or pat, for one of a person; empty: not shown",
    isAsked: ({ source }) => String(source).startsWith("github:"),
  },
  {
    name: "slackTeam",
    flag: "slack-team",
    question: "Slack workspace",
    hint: "T…, in the address of Slack in a browser",
  },
  {
    name: "slackApp",
    flag: "slack-app",
    question: "Slack app",
    hint: "A…, on the app's page Basic Information",
  },
  {
    name: "slackChannel",
    flag: "slack-channel",
    question: "Slack channel",
    hint: "C…, at the end of the channel's details",
  },
  {
    name: "approvers",
    flag: "approvers",
    question: "Approvers",
    hint: "Slack member ids with commas, U…: the profile, ⋮, Copy member ID",
  },
  {
    name: "alarmEmails",
    flag: "alarm-emails",
    question: "Who gets alarms by e-mail",
    hint: "addresses with commas; also while Slack does not answer",
  },
  {
    name: "mailDomain",
    flag: "mail-domain",
    question: "Domain of the organisation's e-mail addresses",
    hint: "for example example.com",
  },
  {
    name: "operators",
    flag: "operators",
    question: "Roles of the people who operate it",
    hint: "ARNs in tooling with commas; * matches several",
  },
  {
    name: "ci",
    flag: "ci",
    question: "GitHub repository whose workflow applies the stacks",
    hint: "<owner>/<name> of yours, because its jobs get rights in all accounts; empty: people apply",
  },
  { name: "budget", flag: "budget", question: "Budget in USD a month", hint: "0 for none" },
  {
    name: "budgetEmail",
    flag: "budget-email",
    question: "Who hears that 80 % of the budget are used",
    hint: "an e-mail address; empty without a budget",
  },
];
