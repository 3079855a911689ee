import type { Accounts } from "#terraform/read-config.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";

/** What is known of an installation: all of it after an apply, the configuration before. */
export type Installation = {
  readonly outputs: AwsOutputs | undefined;
  /** Undefined: terraform/config.ts is of another installation. */
  readonly config: Accounts | undefined;
  readonly accounts: AwsOutputs["ACCOUNTS"];
  readonly region: string;
  readonly architecture: AwsOutputs["ARCHITECTURE"];
  readonly channel: string;
};

export const describeOutputs = (outputs: AwsOutputs, config: Accounts | undefined): Installation => ({
  outputs,
  config,
  accounts: outputs.ACCOUNTS,
  region: outputs.STATE_MACHINE_ARN.split(":")[3] ?? "",
  architecture: outputs.ARCHITECTURE,
  channel: outputs.SLACK_CHANNEL,
});

export const describeConfig = (config: Accounts): Installation => ({
  outputs: undefined,
  config,
  accounts: {
    tooling: config.tooling.account,
    stage: config.stage.account,
    prod: config.prod.account,
  },
  region: config.tooling.region,
  architecture: config.tooling.images.architecture,
  channel: config.tooling.slack.channel,
});
