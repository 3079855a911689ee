import type { Environment } from "#platform/serving/serving.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { Configuration } from "./read-configuration.ts";

export type DoctorNeeds = {
  readonly outputs: () => Promise<AwsOutputs>;
  readonly configuration: () => Promise<Configuration>;
  /** The checkout, whose policy and manifests are checked before the first apply. */
  readonly checkout: string;
  readonly fetch: typeof fetch;
  /** Posts a test message into the channel. */
  readonly post?: boolean;
  /** Profiles of the environments' accounts, for the time before their roles exist. */
  readonly profiles?: Readonly<Partial<Record<Environment, string>>>;
};
