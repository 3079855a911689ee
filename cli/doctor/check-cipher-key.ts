import { DescribeKeyCommand, type KMSClient, NotFoundException } from "@aws-sdk/client-kms";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Whether the key of task tokens is there and enabled. */
export const checkCipherKey = async (
  client: KMSClient,
  { CIPHER_KEY: key }: AwsOutputs,
): Promise<DoctorFinding> => {
  try {
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: key }));
    if (KeyMetadata?.KeyState === "Enabled") return { status: "ok", sentence: `The key ${key} is enabled.` };
    return {
      status: "missing",
      sentence: `The key ${key} is ${KeyMetadata?.KeyState}: no question could be asked or answered.`,
      remedy: `Enable it: aws kms enable-key --key-id ${KeyMetadata?.KeyId} (or cancel-key-deletion first).`,
    };
  } catch (fault) {
    if (!(fault instanceof NotFoundException)) throw fault;
    return {
      status: "missing",
      sentence: `There is no key ${key}: no question could be asked or answered.`,
      remedy: "Apply the stack `delivery` again.",
    };
  }
};
