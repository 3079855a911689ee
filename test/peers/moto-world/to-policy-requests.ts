import type { Environment } from "#platform/serving/serving.ts";
import { nameResources } from "#terraform/resource-names.ts";
import { type RecordedRequest, toRecordedRequests } from "#test/infrastructure/recorded-requests.ts";
import type { SynthesizedStacks } from "#test/infrastructure/synth-stacks.ts";
import { readResourceValue } from "#test/infrastructure/terraform-values.ts";
import type { RecordedCall } from "#test/peers/recording-proxy.ts";
import { repositoryName } from "#worlds/embedded/scenario/watched-repository.ts";
import {
  type AccountVariables,
  artifactBucket,
  auditBucket,
  deliveryTable,
  environmentAccounts,
  provenanceBucket,
  toDeliveryRoleArn,
  toExternalId,
  toFunctionRoleArn,
  worldRegion,
} from "./create-accounts.ts";

const environments = ["stage", "prod"] as const;

/** The rehearsal has one role for all callers in an environment; the stacks have one for each caller. */
const replaceRole = (written: SynthesizedStacks, call: RecordedCall): RecordedCall => {
  const names = nameResources(written.accounts);
  const toCallerRole = (role: unknown) => {
    const environment = environments.find((each) => toDeliveryRoleArn(each) === role);
    return environment && names.callerRoleArn(environment, call.function);
  };
  const { role, ...rest } = call;
  const roleArn = toCallerRole(call.input.RoleArn);
  return {
    ...rest,
    ...(role !== undefined && { role: toCallerRole(role) ?? role }),
    input: roleArn === undefined ? call.input : { ...call.input, RoleArn: roleArn },
  };
};

/** The id in a key's ARN. */
const readKeyId = (arn: string): string => arn.replace(/^.*:key\//, "");

/**
 * The policy requests that a rehearsal's bundles caused. The stacks' names replace the rehearsal's accounts, region,
 * table and ids.
 */
export const toPolicyRequests = (
  written: SynthesizedStacks,
  calls: readonly RecordedCall[],
  variables: AccountVariables & Readonly<Record<string, string>>,
): readonly RecordedRequest[] => {
  const { accounts } = written;
  const names = nameResources(accounts);
  const { source, region } = accounts.tooling;
  const listNames = (environment: Environment): readonly (readonly [string, string])[] => [
    [toFunctionRoleArn(environment), names.inferenceRoleArn(environment)],
    [environmentAccounts[environment], accounts[environment].account],
    [toExternalId(environment), accounts[environment].externalId],
    [
      variables[`${environment.toUpperCase()}_HTTP_API_ID`] ?? "",
      readResourceValue(written, `serving-${environment}`, "aws_apigatewayv2_api", "id"),
    ],
  ];
  const replacements = new Map([
    ...environments.flatMap(listNames),
    [worldRegion, region],
    [`table/${deliveryTable}`, `table/${names.table}`],
    [variables.CIPHER_KEY, readResourceValue(written, "delivery", "aws_kms_key", "arn", "tokens")],
    [
      readKeyId(variables.SIGNER_KEY),
      readKeyId(readResourceValue(written, "delivery", "aws_kms_key", "arn", "images_signer")),
    ],
    [`:::${provenanceBucket}`, `:::${names.artefactBucket}`],
    [`:::${auditBucket}`, `:::${names.auditBucket}`],
    [`:::${artifactBucket}`, `:::${readResourceValue(written, "registry", "aws_s3_bucket", "id")}`],
    [`:${repositoryName}`, `:${source.repository}`],
  ]);
  return toRecordedRequests(
    written,
    calls.map((call) => replaceRole(written, call)),
    replacements,
  );
};
