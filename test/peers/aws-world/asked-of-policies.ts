import type { Environment } from "#platform/serving/serving.ts";
import { names } from "#terraform/names.ts";
import { type Recorded, requestsOf } from "#test/infrastructure/recording.ts";
import { valueIn } from "#test/infrastructure/terraform-values.ts";
import type { Written } from "#test/infrastructure/written-stacks.ts";
import type { RecordedCall } from "#test/peers/recorded-calls.ts";
import { repositoryName } from "#worlds/embedded/scenario/watched-repository.ts";
import {
  type AccountVariables,
  accountOf,
  artifactBucket,
  deliveryRoleOf,
  deliveryTable,
  externalIdOf,
  functionRoleOf,
  provenanceBucket,
  worldRegion,
} from "./accounts.ts";

const environments = ["stage", "prod"] as const;

/** One role stands for all callers in an environment of the rehearsal; the stacks have one for each. */
const underOwnRole = (written: Written, call: RecordedCall): RecordedCall => {
  const known = names(written.accounts);
  const own = (role: unknown) => {
    const environment = environments.find((one) => deliveryRoleOf(one) === role);
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
const keyIn = (arn: string): string => arn.replace(/^.*:key\//, "");

/**
 * What the bundles of a rehearsal had AWS ask its policies, by the names of the written stacks: the rehearsal's own
 * accounts, region, table and ids are replaced by theirs.
 */
export const askedOfPolicies = (
  written: Written,
  calls: readonly RecordedCall[],
  variables: AccountVariables & Readonly<Record<string, string>>,
): readonly Recorded[] => {
  const { accounts } = written;
  const known = names(accounts);
  const { source, region } = accounts.tooling;
  const there = (environment: Environment): readonly (readonly [string, string])[] => [
    [functionRoleOf(environment), known.inferenceRoleArn(environment)],
    [accountOf[environment], accounts[environment].account],
    [externalIdOf(environment), accounts[environment].externalId],
    [
      variables[`${environment.toUpperCase()}_HTTP_API_ID`] ?? "",
      valueIn(written, `serving-${environment}`, "aws_apigatewayv2_api", "id"),
    ],
  ];
  const renamed = new Map([
    ...environments.flatMap(there),
    [worldRegion, region],
    [`table/${deliveryTable}`, `table/${known.table}`],
    [variables.CIPHER_KEY, valueIn(written, "delivery", "aws_kms_key", "arn", "tokens")],
    [keyIn(variables.SIGNER_KEY), keyIn(valueIn(written, "delivery", "aws_kms_key", "arn", "images_signer"))],
    [`:::${provenanceBucket}`, `:::${known.artefactBucket}`],
    [`:::${artifactBucket}`, `:::${valueIn(written, "registry", "aws_s3_bucket", "id")}`],
    [`:${repositoryName}`, `:${source.repository}`],
  ]);
  return requestsOf(
    written,
    calls.map((call) => underOwnRole(written, call)),
    renamed,
  );
};
