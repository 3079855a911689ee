import { DescribeKeyCommand, type KMSClient, NotFoundException } from "@aws-sdk/client-kms";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Checks that the key of task tokens exists and is enabled. */
export const checkCipherKey = async (
  client: KMSClient,
  { CIPHER_KEY: key }: AwsOutputs,
): Promise<DoctorFinding> => {
  try {
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: key }));
    if (KeyMetadata?.KeyState === "Enabled") return { status: "ok", sentence: `The key ${key} is enabled.` };
    return {
      status: "missing",
      sentence: `The key ${key} is ${KeyMetadata?.KeyState}: no approval can be requested or decided.`,
      remedy: `Enable it: aws kms enable-key --key-id ${KeyMetadata?.KeyId} (or cancel-key-deletion first).`,
    };
  } catch (error) {
    if (!(error instanceof NotFoundException)) throw error;
    return {
      status: "missing",
      sentence: `There is no key ${key}: no approval can be requested or decided.`,
      remedy: "Apply the stack `delivery` again.",
    };
  }
};
