import { formatPutParameter } from "#platform/secrets/format-put-parameter.ts";
import type { Accounts } from "#terraform/read-config.ts";
import type { Answers } from "./answers.ts";

type Step = {
  /** As in docs/infrastructure.md: "1b" is no step of its own there. */
  readonly number: string;
  readonly title: string;
  /** Minutes, by docs/first-day.md. */
  readonly minutes: number;
  readonly commands: readonly string[];
  /** What a person does besides the commands. */
  readonly note?: string;
};

/** A budget of the account in which the most runs. https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html */
const formatBudgetCommand = ({ tooling, budget, budgetEmail }: Answers): string => {
  const limit = {
    BudgetName: "slipway",
    BudgetType: "COST",
    TimeUnit: "MONTHLY",
    BudgetLimit: { Amount: String(budget), Unit: "USD" },
  };
  const alert = [
    {
      Notification: {
        NotificationType: "FORECASTED",
        ComparisonOperator: "GREATER_THAN",
        Threshold: 80,
        ThresholdType: "PERCENTAGE",
      },
      Subscribers: [{ SubscriptionType: "EMAIL", Address: budgetEmail }],
    },
  ];
  return `AWS_PROFILE=tooling aws budgets create-budget --account-id ${tooling} --budget '${JSON.stringify(limit)}' --notifications-with-subscribers '${JSON.stringify(alert)}'`;
};

/** What `slipway init aws` and these steps write, for the first commit. */
const writtenFiles = [
  "terraform/config.ts",
  "policy.yaml",
  "models",
  "slipway.init.yaml",
  "first-deployment.md",
];

/** What the secrets of GitHub may do, and no more. */
const describeGitHubSecrets = ({ source, reports }: Answers): string => {
  const [, repository = ""] = /^github:(.*)$/.exec(source) ?? [];
  if (repository === "") return "";
  const reader = ` GITHUB_TOKEN is a fine-grained token for ${repository} with Contents: read and Pull requests: read.`;
  const permissions = "Deployments: read and write and Commit statuses: read and write, and no other";
  const [as, appId, installation] = reports.split(":");
  if (as === "app")
    return `${reader} GITHUB_APP_KEY is a private key of the GitHub App ${appId}, whose installation ${installation} is on ${repository} alone, with ${permissions}; delete the file afterwards.`;
  return as === "pat" ? `${reader} GITHUB_REPORT_TOKEN is another one for it, with ${permissions}.` : reader;
};

/** The steps of docs/infrastructure.md, "A first deployment", with these answers filled in. */
const listSteps = (answers: Answers, { tooling }: Accounts): readonly Step[] => {
  const { images, registry } = tooling;
  const platform = images.architecture === "arm64" ? "linux/arm64" : "linux/amd64";
  const builder =
    images.architecture === "arm64" ? "amazonlinux-aarch64-standard:4.0" : "amazonlinux-x86_64-standard:6.0";
  const host = `${answers.tooling}.dkr.ecr.${answers.region}.amazonaws.com`;
  const isTrial = answers.tooling === answers.prod;
  const isGitHub = answers.source.startsWith("github:");
  const put = (name: string, value?: string) => formatPutParameter(`/slipway/${name}`, value);
  const repository = answers.source.split(":")[1];
  const [reportsAs] = answers.reports.split(":");
  return [
    {
      number: "1",
      title: "Ask for quotas, pin the two public images, and look at what will be created",
      minutes: 2,
      commands: [
        `export AWS_REGION=${answers.region}`,
        `npx slipway doctor --world aws --profile tooling${isTrial ? "" : " --stage-profile stage --prod-profile prod"}`,
        `crane digest public.ecr.aws/lambda/nodejs:24 --platform ${platform}`,
        `crane digest public.ecr.aws/codebuild/${builder} --platform ${platform}`,
        "npm run synth",
      ],
      note: "Write the two digests to images.baseImage and images.buildImage in terraform/config.ts. The doctor names the quotas that are too small, with the command that asks AWS for more.",
    },
    ...(answers.budget > 0
      ? [
          {
            number: "1b",
            title: "A budget",
            minutes: 1,
            commands: [formatBudgetCommand(answers)],
            note: isTrial
              ? "It counts the whole account."
              : "It counts tooling's account, where almost everything runs that costs money without deliveries.",
          },
        ]
      : []),
    {
      number: "2",
      title: isTrial ? "The bootstrap" : "The three bootstraps",
      minutes: isTrial ? 1 : 3,
      commands: [
        "AWS_PROFILE=tooling npm run apply -- bootstrap-tooling --first",
        ...(isTrial
          ? []
          : ["stage", "prod"].map(
              (name) => `AWS_PROFILE=${name} npm run apply -- bootstrap-${name} --state-profile tooling`,
            )),
      ],
    },
    {
      number: "3",
      title: "Registry and environments",
      minutes: registry.kind === "own" ? 15 : 3,
      commands: [
        "npm run build",
        "export AWS_PROFILE=tooling",
        `npm run apply -- ${registry.kind === "own" ? "network registry " : ""}serving-stage serving-prod`,
      ],
    },
    {
      number: "4",
      title: "Delivery, with a first image",
      minutes: 5,
      commands: [
        "npm run apply -- delivery",
        `aws ecr get-login-password --region ${answers.region} | crane auth login -u AWS --password-stdin ${host}`,
        `crane copy --platform ${platform} public.ecr.aws/lambda/nodejs:24 ${host}/slipway:release-first`,
        `crane digest ${host}/slipway:release-first`,
        "npm run apply -- delivery",
      ],
      note: "Write the digest to images.firstDigest in terraform/config.ts before the second apply.",
    },
    {
      number: "5",
      title: "Secrets, which no file and no state holds",
      minutes: 1,
      commands: [
        put("SLACK_BOT_TOKEN"),
        put("SLACK_SIGNING_SECRET"),
        ...(isGitHub ? [put("GITHUB_TOKEN")] : []),
        // A key has several lines.
        ...(reportsAs === "app" ? [put("GITHUB_APP_KEY", "file://<the key's file>.pem")] : []),
        ...(reportsAs === "pat" ? [put("GITHUB_REPORT_TOKEN")] : []),
        ...(tooling.console ? [put("SLACK_CLIENT_SECRET")] : []),
      ],
      note: `Type the values in place of the dots. A space before the command keeps it out of most shells' history.${describeGitHubSecrets(answers)}`,
    },
    {
      number: "6",
      title: "Slack's callback, and the mails of AWS",
      minutes: 1,
      commands: [
        `aws ssm get-parameter --name /slipway/outputs --region ${answers.region} --query Parameter.Value --output text`,
      ],
      note: `Copy SLACK_CALLBACK_URL to the Slack app's page Interactivity & Shortcuts.${tooling.console ? " Add CONSOLE_URL, followed by /sign-in/callback, to the redirect URLs of its page OAuth & Permissions: CONSOLE_URL is the console's address." : ""} Open the link in AWS's mail to each address (${answers.alarmEmails.join(", ")}); until then it gets no alarms.`,
    },
    {
      number: "7",
      title: "The policy",
      minutes: 1,
      commands: [`npx slipway init aws --domain ${answers.mailDomain}`],
      note: "Attach the managed policy slipway-operators to the permission set of at least two people (docs/policy.md).",
    },
    {
      number: "8",
      title: "The repository, with what `slipway init aws` wrote",
      minutes: 1,
      commands: [
        `git add ${writtenFiles.join(" ")}`,
        'git commit -m "Accounts, approvers and policy of this installation"',
        ...(isGitHub
          ? [
              `gh variable set SLIPWAY_ROLE --repo ${repository} --body arn:aws:iam::${answers.tooling}:role/slipway-push`,
              `gh variable set SLIPWAY_REGION --repo ${repository} --body ${answers.region}`,
              `git push https://github.com/${repository}.git HEAD:${answers.branch}`,
            ]
          : [`git push codecommit::${answers.region}://${repository} HEAD:${answers.branch}`]),
      ],
      note: `The repository that is delivered is this checkout: runtime, policy.yaml and models/. ${isGitHub ? "The workflow .github/workflows/deliver.yml sends each push to Slipway." : "The first push starts the first delivery."}`,
    },
    {
      number: "9",
      title: "What is still missing",
      minutes: 1,
      commands: ["npx slipway doctor --world aws --post"],
    },
  ];
};

const formatMinutes = (minutes: number): string => `${minutes} minute${minutes === 1 ? "" : "s"}`;

/** The commands of a first deployment as Markdown, with the time that each step takes. It holds no secret. */
export const listCommands = (answers: Answers, config: Accounts): string => {
  const steps = listSteps(answers, config);
  const trial =
    answers.tooling === answers.prod
      ? "\nThis is a trial: one account has all three roles, and every approval says so.\n"
      : "";
  const text = steps.map(
    ({ number, title, minutes, commands, note }) =>
      `## ${number}. ${title} (${formatMinutes(minutes)})\n\n\`\`\`sh\n${commands.join("\n")}\n\`\`\`\n${note === undefined ? "" : `\n${note}\n`}`,
  );
  return `# Slipway's first deployment

\`slipway init aws\` wrote this file from your answers; the next run writes it again. docs/infrastructure.md explains each step,
and docs/first-day.md says what is right after it. Together they take about ${formatMinutes(steps.reduce((sum, { minutes }) => sum + minutes, 0))}.
${trial}
Run the doctor of step 1 a few days earlier: the quotas of a new account are small, and AWS takes a day or two to raise them.

${text.join("\n")}`;
};
