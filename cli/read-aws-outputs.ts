import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { AwsOutputs, outputsParameter } from "#worlds/aws/environment/aws-outputs.ts";
import { checkoutFolder } from "./folders.ts";

/** Nobody says what Terraform made, or what is said is not complete. */
export class OutputsMissing extends Error {
  override readonly name = "OutputsMissing";
}

const defaultOutputsFile = resolve(checkoutFolder, "slipway.aws.json");

const readOutputsParameter = async (): Promise<string> => {
  const client = new SSMClient({});
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: outputsParameter }));
    return Parameter?.Value ?? "";
  } catch (fault) {
    if (!(fault instanceof ParameterNotFound)) throw fault;
    throw new OutputsMissing(
      `There is no parameter ${outputsParameter} in this account and region: apply the stack \`delivery\`, name the tooling account's profile with --profile, or a file with --outputs.`,
    );
  } finally {
    client.destroy();
  }
};

/**
 * What Terraform made: the file that is named, `slipway.aws.json` beside Slipway where it exists, else the parameter
 * `/slipway/outputs` of the account that the profile leads to. Throws OutputsMissing with a sentence for each value
 * that is missing or wrong.
 */
export const readAwsOutputs = async (file: string | undefined): Promise<AwsOutputs> => {
  const path =
    file === undefined ? (existsSync(defaultOutputsFile) ? defaultOutputsFile : undefined) : resolve(file);
  const where = path ?? `The parameter ${outputsParameter}`;
  const text = await (path === undefined
    ? readOutputsParameter()
    : readFile(path, "utf8").catch((fault: unknown) => {
        throw new OutputsMissing(`${path} cannot be read: ${fault instanceof Error ? fault.message : fault}`);
      }));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new OutputsMissing(`${where} holds no JSON: apply the stack \`delivery\` again.`);
  }
  const read = AwsOutputs.safeParse(json);
  if (read.success) return read.data;
  const wrong = read.error.issues.map(({ path: [...at], message }) => `${at.join(".")}: ${message}`);
  throw new OutputsMissing(
    `${where} is not complete: ${wrong.join("; ")}. Apply the stack \`delivery\` again, from this version of Slipway.`,
  );
};
