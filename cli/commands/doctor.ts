import { Command } from "commander";
import { addCommand } from "#cli/add-command.ts";
import type { DoctorFinding } from "#cli/doctor/finding.ts";
import { exitCode } from "#cli/exit-code.ts";
import { checkoutFolder } from "#cli/folders.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, awsOnlyOptions, jsonOption, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { useProfile } from "#cli/use-profile.ts";
import { NotRunning } from "#worlds/embedded/remote-deliveries.ts";

const statusMarks = {
  ok: paint("green", "✓"),
  warning: paint("yellow", "!"),
  missing: paint("red", "✗"),
  pending: paint("dim", "·"),
} as const;

type Options = {
  readonly profile?: string;
  readonly outputs?: string;
  readonly json?: boolean;
  readonly stageProfile?: string;
  readonly prodProfile?: string;
  readonly post?: boolean;
};

/** `slipway doctor`: what an AWS installation lacks, with remedies. */
export const doctorCommand = (): Command => {
  const command = new Command("doctor").description(
    "find what an AWS installation lacks, before the first apply and after; changes nothing, shows no secret",
  );
  command
    .option("--stage-profile <name>", "the AWS profile of stage's account, for quotas before the first apply")
    .option("--prod-profile <name>", "the AWS profile of prod's account, for quotas before the first apply")
    .option("--post", "post a test message into Slack's channel");
  for (const option of [...awsOnlyOptions(), jsonOption("findings with status, sentence and remedy")])
    command.addOption(option);
  // The part has options of its own with the same names.
  command.enablePositionalOptions();
  addCommand(command, slackCommand());
  return command.action(
    async ({ profile, outputs, json, stageProfile, prodProfile, post = false }: Options) => {
      useProfile(profile);
      const [{ runChecks }, { useConfiguredRegion }, { readAwsOutputs }, { readConfiguration }] =
        await Promise.all([
          import("#cli/doctor/run-checks.ts"),
          import("#cli/use-configured-region.ts"),
          import("#cli/read-aws-outputs.ts"),
          import("#cli/doctor/read-configuration.ts"),
        ]);
      showProgress("Checking the installation");
      await useConfiguredRegion();
      const findings = await runChecks({
        outputs: () => readAwsOutputs(outputs),
        configuration: () => readConfiguration(),
        checkout: checkoutFolder,
        fetch,
        post,
        profiles: {
          ...(stageProfile === undefined ? {} : { stage: stageProfile }),
          ...(prodProfile === undefined ? {} : { prod: prodProfile }),
        },
      });
      printFindings(findings, json);
    },
  );
};

/** `slipway doctor slack`: the connection to Slack alone, in both worlds. */
const slackCommand = (): Command =>
  addWorldOptions(new Command("slack"))
    .description(
      "check the Slack app: token, scopes, channel, approvers, signing secret, address of the clicks",
    )
    .option("--post", "post a test message into the channel")
    .addOption(jsonOption("findings with status, sentence and remedy"))
    .action(({ json, post = false, ...options }: WorldOptions & { json?: boolean; post?: boolean }) =>
      withWorld(options, async ({ world, running, where, slackConnection }) => {
        if (!running) throw new NotRunning(`${where} Its stand-in for Slack runs with it.`);
        showProgress("Checking the connection to Slack");
        const { listSlackChecks } = await import("#cli/doctor/list-slack-checks.ts");
        const { approval } = (await world.policy.read()).floor;
        const { approvers } = approval;
        const findings: DoctorFinding[] = [];
        for (const check of listSlackChecks({
          ...slackConnection,
          approvers,
          fetch,
          clock: world.clock,
          post,
        })) {
          const finding = await check();
          if (finding) findings.push(finding);
        }
        printFindings(findings, json);
      }),
    );

/** Ends with `exitCode.environment` if something is missing. */
const printFindings = (findings: readonly DoctorFinding[], json: boolean | undefined): void => {
  const missing = findings.filter(({ status }) => status === "missing").length;
  if (missing > 0) process.exitCode = exitCode.environment;
  if (json) {
    printJson(findings);
    return;
  }
  for (const finding of findings) {
    print(`${statusMarks[finding.status]} ${finding.sentence}`);
    if ("remedy" in finding) print(`  → ${finding.remedy}`);
  }
  print(missing === 0 ? "Nothing is missing." : `${missing} missing.`);
};
