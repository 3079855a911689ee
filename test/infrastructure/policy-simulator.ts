import { createValidatedPolicy } from "@cloud-copilot/iam-policy";
import { runSimulation, runUnsafeSimulation, type Simulation } from "@cloud-copilot/iam-simulate";
import type { Statement } from "#terraform/permissions/statement.ts";
import { parseStatements } from "./stack-policies.ts";
import { listResources, type ResourceJson, type SynthesizedStacks } from "./synth-stacks.ts";
import { createValueResolver, findStackAccount } from "./terraform-values.ts";

/** A policy after the apply, and the role or resource that it belongs to. */
export type IamPolicy = {
  /** `delivery functions_notify_policy_76D22644` */
  readonly name: string;
  /** `identity`: the policy of the role with the ARN `of`; `resource`: of that resource, also a role's trust policy. */
  readonly kind: "identity" | "resource";
  readonly of: string;
  readonly statements: readonly Statement[];
};

/** A request to check against the policies. */
export type AccessRequest = {
  /** The ARN of a role, or a service: `lambda.amazonaws.com`. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
};

/**
 * Which policies decide. `all`: as on AWS. `identity`: only the caller's, as if the resource allowed its account.
 * `resource`: only the resource's, as if the caller were allowed everything.
 */
export type PolicySide = "all" | "identity" | "resource";

const policyResources: readonly (readonly [
  type: string,
  attribute: string,
  readArn: (resource: ResourceJson, account: string) => string,
])[] = [
  ["aws_iam_role_policy", "policy", ({ role }, account) => `arn:aws:iam::${account}:role/${role}`],
  ["aws_iam_role", "assume_role_policy", ({ name }, account) => `arn:aws:iam::${account}:role/${name}`],
  ["aws_s3_bucket_policy", "policy", ({ bucket }) => `arn:aws:s3:::${bucket}`],
  ["aws_sns_topic_policy", "policy", ({ arn }) => String(arn)],
  [
    "aws_sqs_queue_policy",
    "policy",
    ({ policy }) => String([parseStatements(policy)[0]?.Resource].flat()[0]),
  ],
  ["aws_ecr_repository_policy", "policy", () => ""],
  ["aws_kms_key", "policy", () => ""],
];

/** Every policy of the stacks with the values that it has after the apply. */
export const readPolicies = (written: SynthesizedStacks): readonly IamPolicy[] => {
  const read = createValueResolver(written);
  return policyResources.flatMap(([type, attribute, readArn]) =>
    listResources(written, type).map(([stack, name, resource]): IamPolicy => {
      const { region, account } = findStackAccount(written, stack);
      const applied: ResourceJson = JSON.parse(read(stack, JSON.stringify(resource)));
      const arn =
        type === "aws_kms_key"
          ? read(stack, `\${aws_kms_key.${name}.arn}`)
          : type === "aws_ecr_repository_policy"
            ? `arn:aws:ecr:${region}:${account}:repository/${applied.repository}`
            : readArn(applied, account);
      return {
        name: `${stack} ${name}${type === "aws_iam_role" ? " (trust)" : ""}`,
        kind: type === "aws_iam_role_policy" ? "identity" : "resource",
        of: arn,
        statements: parseStatements(applied[attribute]),
      };
    }),
  );
};

const leadingKeys = "dynamodb:LeadingKeys";
const document = (statements: readonly Statement[]) => ({ Version: "2012-10-17", Statement: statements });
const allowAll: Statement = { Effect: "Allow", Action: "*", Resource: "*" };
const getAccount = (arn: string): string | undefined => arn.split(":")[4] || undefined;

/** The resource whose policy applies: an object's bucket, else the ARN itself. */
const getPolicyHolder = (resource: string): string =>
  resource.startsWith("arn:aws:s3:::") ? resource.replace(/\/.*/, "") : resource;

/** Decides requests by policies, offline. */
export const createPolicySimulator = (
  policies: readonly IamPolicy[],
  bucketAccounts: ReadonlyMap<string, string>,
) => {
  const identity = Map.groupBy(
    policies.filter(({ kind }) => kind === "identity"),
    ({ of }) => of,
  );
  const resource = new Map(policies.filter(({ kind }) => kind === "resource").map((each) => [each.of, each]));

  const simulation = (ask: AccessRequest, side: PolicySide): Simulation => {
    const isService = !ask.principal.startsWith("arn:");
    const caller = getAccount(ask.principal);
    const holder = getPolicyHolder(ask.resource);
    const owner = getAccount(ask.resource) ?? bucketAccounts.get(holder) ?? caller ?? "";
    const unlimited = side === "resource" ? [allowAll] : undefined;
    const accountPolicy =
      caller !== undefined && (owner !== caller || ask.action.startsWith("kms:"))
        ? document([
            {
              Effect: "Allow",
              Action: ask.action,
              Principal: { AWS: `arn:aws:iam::${caller}:root` },
              ...(ask.action.startsWith("sts:") ? {} : { Resource: "*" }),
            },
          ])
        : undefined;
    const attached = resource.get(holder);
    const resourcePolicy = side === "identity" ? accountPolicy : attached && document(attached.statements);
    const statements = unlimited ?? (identity.get(ask.principal) ?? []).flatMap((each) => each.statements);
    const role = /:role\/(.+)$/.exec(ask.principal)?.[1];
    return {
      request: {
        principal: isService ? ask.principal : `arn:aws:sts::${caller}:assumed-role/${role}/session`,
        action: ask.action,
        resource: { resource: ask.resource, accountId: owner },
        contextVariables: {
          "aws:SecureTransport": "true",
          ...(isService ? {} : { "aws:PrincipalArn": ask.principal, "aws:PrincipalAccount": caller ?? "" }),
          ...ask.context,
          // The only key with several values: DynamoDB lists all partitions of a call.
          ...(leadingKeys in ask.context ? { [leadingKeys]: [ask.context[leadingKeys] ?? ""] } : {}),
        },
      },
      identityPolicies: isService ? [] : [{ name: "role", policy: document(statements) }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy && { resourcePolicy }),
    };
  };

  return {
    allows: (ask: AccessRequest, side: PolicySide = "all"): boolean => {
      const input = simulation(ask, side);
      // The simulator needs the name of a resource's policy.
      const resourcePolicy =
        input.resourcePolicy && createValidatedPolicy(input.resourcePolicy, () => [], { name: "resource" });
      return runUnsafeSimulation({ ...input, ...(resourcePolicy && { resourcePolicy }) }, {}) === "Allowed";
    },
    /** An error where AWS's lists do not have the action, its resource type or its condition keys. */
    complaint: async (ask: AccessRequest, side: PolicySide = "all"): Promise<string | undefined> => {
      const result = await runSimulation(simulation(ask, side), {});
      if (result.resultType === "error") return result.errors.message;
      const ignored = result.resultType === "single" ? (result.result.ignoredContextKeys ?? []) : [];
      return ignored.length > 0 ? `unknown condition keys: ${ignored.join(", ")}` : undefined;
    },
  };
};
export type PolicySimulator = ReturnType<typeof createPolicySimulator>;
