import { KmsAlias } from "@cdktn/provider-aws/lib/kms-alias/index.js";
import { KmsKey } from "@cdktn/provider-aws/lib/kms-key/index.js";
import { Construct } from "constructs";
import { allowAny, toPolicyJson } from "../../permissions/statement.ts";

type Needs = {
  readonly account: string;
  /** ARN of the only role that may sign. */
  readonly build: string;
};

/**
 * The key that proves which images the builder built. The account's administrators may let others verify. Only the
 * builds' role can sign, because the policy denies it to everyone else.
 * https://docs.aws.amazon.com/kms/latest/developerguide/asymmetric-key-specs.html#key-spec-ecc
 */
export const addSigningKey = (scope: Construct, id: string, { account, build }: Needs): KmsKey => {
  const place = new Construct(scope, id);
  const own = "KeyPoliciesNameTheirOwnKey";
  const key = new KmsKey(place, "key", {
    description: "Slipway's builder: its signature says how an image was built",
    customerMasterKeySpec: "ECC_NIST_P256",
    keyUsage: "SIGN_VERIFY",
    deletionWindowInDays: 30,
    policy: toPolicyJson([
      { ...allowAny(own, ["kms:*"]), Principal: { AWS: `arn:aws:iam::${account}:root` } },
      {
        Sid: "OnlyBuildsSign",
        Effect: "Deny",
        Principal: "*",
        Action: "kms:Sign",
        Resource: "*",
        Condition: { ArnNotEquals: { "aws:PrincipalArn": build } },
      },
    ]),
  });
  new KmsAlias(place, "alias", { name: "alias/slipway-builds", targetKeyId: key.keyId });
  return key;
};
