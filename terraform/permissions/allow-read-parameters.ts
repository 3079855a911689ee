import { allow, type Statement } from "./statement.ts";

/**
 * Allows reading these secret parameters, and using their key only for that.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
 */
export const allowReadParameters = (
  parameters: readonly string[],
  { region, key }: { readonly region: string; readonly key: string },
): readonly Statement[] => [
  allow(["ssm:GetParameter"], parameters),
  allow(["kms:Decrypt"], [key], {
    StringEquals: {
      "kms:EncryptionContext:PARAMETER_ARN": parameters,
      "kms:ViaService": `ssm.${region}.amazonaws.com`,
    },
  }),
];
