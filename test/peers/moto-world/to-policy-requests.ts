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
  deliveryTable,
  environmentAccounts,
  provenanceBucket,
  toDeliveryRoleArn,
  toExternalId,
  toFunctionRoleArn,
  worldRegion,
} from "./create-accounts.ts";

const environments = ["stage", "prod"] as const;

/** One role stands for all callers in an environment of the rehearsal; the stacks have one for each. */
const replaceRole = (written: SynthesizedStacks, call: RecordedCall): RecordedCall => {
  const known = nameResources(written.accounts);
  const own = (role: unknown) => {
    const environment = environments.find((one) => toDeliveryRoleArn(one) === role);
    return environment && known.callerRoleArn(environment, call.function);
  };
  const { role, ...rest } = call;
  const assumed = own(call.input.RoleArn);
  return {
    ...rest,
    ...(role !== undefined && { role: own(role) ?? role }),
    input: assumed === undefined ? call.input : { ...call.input, RoleArn: assumed },
  };
};

/** The id in a key's ARN. */
const readKeyId = (arn: string): string => arn.replace(/^.*:key\//, "");

/**
 * The policy requests that the bundles of a rehearsal caused, with the names of the written stacks: they replace the
 * rehearsal's accounts, region, table and ids.
 */
export const toPolicyRequests = (
  written: SynthesizedStacks,
  calls: readonly RecordedCall[],
  variables: AccountVariables & Readonly<Record<string, string>>,
): readonly RecordedRequest[] => {
  const { accounts } = written;
  const known = nameResources(accounts);
  const { source, region } = accounts.tooling;
  const there = (environment: Environment): readonly (readonly [string, string])[] => [
    [toFunctionRoleArn(environment), known.inferenceRoleArn(environment)],
    [environmentAccounts[environment], accounts[environment].account],
    [toExternalId(environment), accounts[environment].externalId],
    [
      variables[`${environment.toUpperCase()}_HTTP_API_ID`] ?? "",
      readResourceValue(written, `serving-${environment}`, "aws_apigatewayv2_api", "id"),
    ],
  ];
  const renamed = new Map([
    ...environments.flatMap(there),
    [worldRegion, region],
    [`table/${deliveryTable}`, `table/${known.table}`],
    [variables.CIPHER_KEY, readResourceValue(written, "delivery", "aws_kms_key", "arn", "tokens")],
    [
      readKeyId(variables.SIGNER_KEY),
      readKeyId(readResourceValue(written, "delivery", "aws_kms_key", "arn", "images_signer")),
    ],
    [`:::${provenanceBucket}`, `:::${known.artefactBucket}`],
    [`:::${artifactBucket}`, `:::${readResourceValue(written, "registry", "aws_s3_bucket", "id")}`],
    [`:${repositoryName}`, `:${source.repository}`],
  ]);
  return toRecordedRequests(
    written,
    calls.map((call) => replaceRole(written, call)),
    renamed,
  );
};
