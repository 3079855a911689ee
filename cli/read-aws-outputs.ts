import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { AwsOutputs, outputsParameter } from "#worlds/aws/environment/aws-outputs.ts";
import { checkoutFolder } from "./folders.ts";

/** Terraform's outputs are missing or incomplete. */
export class OutputsMissing extends Error {
  override readonly name = "OutputsMissing";
  /** False: Terraform has not applied the stack `delivery` here. */
  readonly applied: boolean;

  constructor(message: string, { applied = true }: { readonly applied?: boolean } = {}) {
    super(message);
    this.applied = applied;
  }
}

const defaultOutputsFile = resolve(checkoutFolder, "slipway.aws.json");

const readOutputsParameter = async (): Promise<string> => {
  const client = new SSMClient({});
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: outputsParameter }));
    return Parameter?.Value ?? "";
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
    throw new OutputsMissing(
      `There is no parameter ${outputsParameter} in this account and region: apply the stack \`delivery\`, choose the tooling account with --profile, or a file with --outputs.`,
      { applied: false },
    );
  } finally {
    client.destroy();
  }
};

/**
 * Terraform's outputs: from `file`, otherwise from `slipway.aws.json` in Slipway's folder where it exists, otherwise from
 * the parameter `/slipway/outputs` of the profile's account. Throws OutputsMissing, which lists each missing or wrong
 * value.
 */
export const readAwsOutputs = async (file: string | undefined): Promise<AwsOutputs> => {
  const path =
    file === undefined ? (existsSync(defaultOutputsFile) ? defaultOutputsFile : undefined) : resolve(file);
  const where = path ?? `The parameter ${outputsParameter}`;
  const text = await (path === undefined
    ? readOutputsParameter()
    : readFile(path, "utf8").catch((error: unknown) => {
        throw new OutputsMissing(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
      }));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new OutputsMissing(`${where} is not valid JSON: apply the stack \`delivery\` again.`);
  }
  const outputs = AwsOutputs.safeParse(json);
  if (outputs.success) return outputs.data;
  const problems = outputs.error.issues.map(({ path: [...at], message }) => `${at.join(".")}: ${message}`);
  throw new OutputsMissing(
    `${where} is not complete: ${problems.join("; ")}. Apply the stack \`delivery\` of this version of Slipway.`,
  );
};
