import { listResources, type ResourceJson, type SynthesizedStacks } from "./synth-stacks.ts";

type StackAccount = { readonly region: string; readonly account: string };
type Value = (resource: ResourceJson, place: StackAccount, id: string) => string;

const arn =
  (service: string, rest: (resource: ResourceJson, id: string) => string): Value =>
  (resource, { region, account }, id) =>
    `arn:aws:${service}:${region}:${account}:${rest(resource, id)}`;

/** Attributes that AWS sets on creation. Ids that only AWS knows become the resource's id in Terraform. */
const attributes: Readonly<Record<string, Value>> = {
  "aws_apigatewayv2_api.api_endpoint": (_, { region }, id) =>
    `https://${id}.execute-api.${region}.amazonaws.com`,
  "aws_apigatewayv2_api.execution_arn": arn("execute-api", (_, id) => id),
  "aws_apigatewayv2_api.id": (_resource, _place, id) => id,
  "aws_apigatewayv2_authorizer.id": (_resource, _place, id) => id,
  "aws_cloudwatch_log_group.arn": arn("logs", ({ name }) => `log-group:${name}`),
  "aws_codebuild_project.arn": arn("codebuild", ({ name }) => `project/${name}`),
  "aws_dynamodb_table.arn": arn("dynamodb", ({ name }) => `table/${name}`),
  "aws_dynamodb_table.name": ({ name }) => String(name),
  "aws_dynamodb_table.stream_arn": arn("dynamodb", ({ name }, id) => `table/${name}/stream/${id}`),
  "aws_ecr_repository.arn": arn("ecr", ({ name }) => `repository/${name}`),
  "aws_iam_openid_connect_provider.arn": (_, { account }) =>
    `arn:aws:iam::${account}:oidc-provider/token.actions.githubusercontent.com`,
  "aws_iam_role.arn": ({ name }, { account }) => `arn:aws:iam::${account}:role/${name}`,
  "aws_iam_role.id": ({ name }) => String(name),
  "aws_kms_key.arn": arn("kms", (_, id) => `key/${id}`),
  "aws_s3_bucket.arn": ({ bucket }) => `arn:aws:s3:::${bucket}`,
  "aws_s3_bucket.id": ({ bucket }) => String(bucket),
  "aws_ssm_parameter.arn": arn("ssm", ({ name }) => `parameter${name}`),
  "aws_ssm_parameter.name": ({ name }) => String(name),
  "aws_sns_topic.arn": arn("sns", ({ name }) => String(name)),
  "aws_sqs_queue.arn": arn("sqs", ({ name }) => String(name)),
  "aws_sqs_queue.id": ({ name }) => String(name),
  "aws_ecr_repository.name": ({ name }) => String(name),
};

const reference = /\$\{(aws_\w+)\.([\w-]+)\.([^}]+)\}/g;
const importPattern =
  /\$\{data\.terraform_remote_state\.cross-stack-reference-input-([\w-]+)\.outputs\.([\w-]+)\}/g;

/** The account that a stack belongs to. */
export const findStackAccount = (written: SynthesizedStacks, stack: string): StackAccount =>
  written.accounts[stack.endsWith("-prod") ? "prod" : stack.endsWith("-stage") ? "stage" : "tooling"];

/**
 * Reads a stack's text as it is after the apply: references, also to other stacks, become names and ARNs. Unknown
 * references stay.
 */
export const createValueResolver = (written: SynthesizedStacks) => {
  const read = (stack: string, text: string): string =>
    text
      .replace(importPattern, (match, source: string, output: string) => {
        const value = written.stacks.get(source)?.output?.[output]?.value;
        return typeof value === "string" ? read(source, value) : match;
      })
      .replace(reference, (match, type: string, name: string, attribute: string) => {
        const resource = listResources(written, type, [stack]).find(([, key]) => key === name)?.[2];
        const id = `${stack}-${name}`.replace(/[^\w-]/g, "").toLowerCase();
        return resource
          ? (attributes[`${type}.${attribute}`]?.(resource, findStackAccount(written, stack), id) ?? match)
          : match;
      });
  return read;
};

/** An attribute of a stack's first resource of a type whose name starts with `begin`. */
export const readResourceValue = (
  written: SynthesizedStacks,
  stack: string,
  type: string,
  attribute: string,
  begin = "",
): string => {
  const name = listResources(written, type, [stack]).find(([, key]) => key.startsWith(begin))?.[1];
  if (name === undefined) throw new RangeError(`${stack} has no ${type} ${begin}`);
  return createValueResolver(written)(stack, `\${${type}.${name}.${attribute}}`);
};
