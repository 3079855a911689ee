import { CreateKeyCommand, type KMSClient } from "@aws-sdk/client-kms";

/** Creates the signing key of builds, as Terraform does; returns its ARN. */
export const createSigningKey = async (client: KMSClient): Promise<string> => {
  const { KeyMetadata } = await client.send(
    new CreateKeyCommand({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }),
  );
  if (KeyMetadata?.Arn === undefined) throw new Error("moto did not create a key");
  return KeyMetadata.Arn;
};
