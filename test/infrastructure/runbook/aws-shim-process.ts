/**
 * The commands of AWS's CLI that docs/infrastructure.md uses, on AWS's clients. Every other command and option fails: then
 * either the document is wrong, or this lacks something.
 */
import { parseArgs } from "node:util";
import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";

const string = { type: "string" } as const;
const usageError = 252;

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<string>>> = {
  "ecr get-login-password": async (args) => {
    parseArgs({ args: [...args], options: {} });
    const { authorizationData = [] } = await new ECRClient({}).send(new GetAuthorizationTokenCommand({}));
    const token = Buffer.from(authorizationData[0]?.authorizationToken ?? "", "base64").toString("utf8");
    return token.slice(token.indexOf(":") + 1);
  },

  "ssm put-parameter": async (args) => {
    const options = { name: string, value: string, type: string, "key-id": string } as const;
    const { values } = parseArgs({
      args: [...args],
      options: { ...options, overwrite: { type: "boolean" } },
    });
    if (values.type !== "SecureString") throw new Error(`--type ${values.type} is not in the runbook`);
    const { Version, Tier } = await new SSMClient({}).send(
      new PutParameterCommand({
        Name: values.name,
        Value: values.value,
        Type: values.type,
        KeyId: values["key-id"],
        Overwrite: values.overwrite,
      }),
    );
    return JSON.stringify({ Version, Tier }, undefined, 4);
  },

  "ssm get-parameter": async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: { name: string, query: string, output: string },
    });
    if (values.query !== "Parameter.Value" || values.output !== "text")
      throw new Error("only --query Parameter.Value --output text is known");
    const { Parameter } = await new SSMClient({}).send(new GetParameterCommand({ Name: values.name }));
    return Parameter?.Value ?? "None";
  },
};

const [service = "", operation = "", ...args] = process.argv.slice(2);
const command = commands[`${service} ${operation}`];
try {
  if (command === undefined) throw new Error(`unknown command: aws ${service} ${operation}`);
  process.stdout.write(`${await command(args)}\n`);
} catch (error) {
  process.stderr.write(`aws: ${error instanceof Error ? `${error.name}: ${error.message}` : error}\n`);
  process.exitCode = usageError;
}
