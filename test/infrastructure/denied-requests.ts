import type { AccessRequest, PolicySide } from "./policy-simulator.ts";

/** A request that has to be denied, and by which side. */
export type DeniedRequest = { readonly ask: AccessRequest; readonly side: PolicySide };

/**
 * Resources that deliveries create, for which a function has permission by kind. Equal prefixes are one kind; every other
 * resource next to a requested one has to be denied.
 */
const openResourceKinds: readonly (readonly [kind: RegExp, why: string])[] = [
  [
    /^(arn:aws:lambda:[^:]*:\d+:function:slipway-(?:stage|prod)-)./,
    "models come and go, and so do their functions",
  ],
  [/^(arn:aws:logs:[^:]*:\d+:log-group:\/aws\/lambda\/slipway-(?:stage|prod)-)./, "and their log groups"],
  [/^(arn:aws:logs:[^:]*:\d+:log-group:\/aws\/[\w-]+\/slipway-[\w-]+:)./, "a log group's streams"],
  [/^(arn:aws:apigateway:[^:]*::\/apis\/[^/]+\/(?:routes|integrations)\/)./, "their routes"],
  [/^(arn:aws:states:[^:]*:\d+:execution:slipway:)./, "each delivery is an execution"],
  [/^(arn:aws:execute-api:[^:]*:\d+:[^/]+\/)./, "MLflow's API, which has no permissions by path"],
  [
    /^(arn:aws:s3:::slipway-artefacts-[^/]+\/(?:builder|provenance)\/)./,
    "every builder, every image's statement",
  ],
  [/^(arn:aws:s3:::slipway-registry-[^/]+\/mlflow\/)./, "every version's artefacts"],
  [/^(arn:aws:s3:::slipway-(?:stage|prod)-records-[^/]+\/)./, "every prediction's blobs"],
];

/** The same of what conditions name. */
const openConditionKinds: typeof openResourceKinds = [
  ...openResourceKinds,
  [/^(arn:aws:logs:[^:]*:\d+:log-group:)\/aws\/lambda\/[^:]+$/, "the key is the account's log groups'"],
  [/^(arn:aws:events:[^:]*:\d+:rule\/)./, "the dead letters are every rule's of ours"],
];

export const isSameResourceKind = (one: string, other: string, kinds = openResourceKinds): boolean =>
  kinds.some(([kind]) => {
    const resourceKind = kind.exec(one)?.[1];
    return resourceKind !== undefined && resourceKind === kind.exec(other)?.[1];
  });

/** Variants of a resource: another name at every position of its ARN, another region, another account. */
const listSiblingResources = (resource: string): readonly string[] => {
  const [head = "", region = "", account = "", rest = ""] =
    /^(arn:aws:[\w-]+):([\w-]*):(\d*):(.*)$/.exec(resource)?.slice(1) ?? [];
  if (head === "") return [];
  const parts = rest.split(/([:/])/);
  const named = parts.flatMap((part, index) =>
    /^[:/]?$/.test(part)
      ? []
      : ["other", `${part}-other`].map(
          (other) => `${head}:${region}:${account}:${parts.with(index, other).join("")}`,
        ),
  );
  return [
    ...named,
    ...(region === "" ? [] : [`${head}:eu-west-9:${account}:${rest}`]),
    ...(account === "" ? [] : [`${head}:${region}:999999999999:${rest}`]),
  ].filter((one) => !isSameResourceKind(resource, one));
};

const addContext = (ask: AccessRequest, name: string, value: string): AccessRequest => ({
  ...ask,
  context: { ...ask.context, [name]: value },
});

/** Another value of a condition's key: of an ARN another name and another account, else another word. */
const listOtherValues = (value: string): readonly string[] =>
  value.startsWith("arn:")
    ? [value.replace(/[^:/]+$/, "other"), value.replace(/^((?:[^:]*:){4})\d+/, "$1999999999999")].filter(
        (other) => !isSameResourceKind(value, other, openConditionKinds),
      )
    : [`${value}-other`];

/** What varies from call to call and has no condition: each approval has its own id. */
const unboundContextKeys = new Set(["kms:EncryptionContext:approval"]);
const foreignRole = "arn:aws:iam::999999999999:role/slipway-other";

/**
 * Other callers of the same request: a role of another account (also one that matches a condition on its name, because
 * each of two guards has to hold alone), another role here, another service.
 */
const listOtherPrincipals = (ask: AccessRequest): readonly AccessRequest[] => {
  const account = ask.principal.split(":")[4];
  const foreign: AccessRequest = {
    ...("kms:CallerAccount" in ask.context ? addContext(ask, "kms:CallerAccount", "999999999999") : ask),
    principal: foreignRole,
  };
  if (account === undefined) return [foreign, { ...ask, principal: "ec2.amazonaws.com" }];
  const crosses = account !== ask.resource.split(":")[4] && /^(sts|ecr):/.test(ask.action);
  // Whatever a policy of this account allows, builds alone sign.
  if (ask.action === "kms:Sign")
    return [foreign, { ...ask, principal: `arn:aws:iam::${account}:role/other` }];
  // Whatever a policy of this account allows, of our roles only those that answer tasks read a token.
  if (ask.action === "kms:Decrypt" && ask.context["kms:EncryptionContext:purpose"] === "task-token")
    return [foreign, { ...ask, principal: `arn:aws:iam::${account}:role/slipway-other` }];
  return crosses
    ? [
        foreign,
        addContext(foreign, "aws:PrincipalArn", ask.principal),
        { ...ask, principal: `arn:aws:iam::${account}:role/other` },
      ]
    : [foreign];
};

/** Calls that write the deliveries' table must not reach the platform's policy in it. */
const listPolicyTableWrites = (ask: AccessRequest): readonly DeniedRequest[] =>
  /^dynamodb:(Update|Put|Delete|BatchWrite)/.test(ask.action) &&
  ask.resource.endsWith(":table/slipway-deliveries")
    ? ["policy", "policy-proposals", "policy-signed#AROAOPERATOR:ada@example.com"].map((partition) => ({
        ask: addContext(ask, "dynamodb:LeadingKeys", partition),
        side: "identity" as const,
      }))
    : [];

/** For allowed requests, all variants that have to be denied. */
export const listDeniedRequests = (ask: AccessRequest, side: PolicySide): readonly DeniedRequest[] => {
  const isService = !ask.principal.startsWith("arn:");
  const hangs = /^(sts|ecr|kms|sns|sqs|s3):/.test(ask.action);
  return [
    ...(isService
      ? []
      : listSiblingResources(ask.resource).map(
          (resource): DeniedRequest => ({ ask: { ...ask, resource }, side: "identity" }),
        )),
    ...Object.entries(ask.context)
      .filter(([name]) => !unboundContextKeys.has(name))
      .flatMap(([name, value]) =>
        listOtherValues(value).map((other): DeniedRequest => ({ ask: addContext(ask, name, other), side })),
      ),
    ...listPolicyTableWrites(ask),
    ...(/^(s3|sqs|sns):/.test(ask.action)
      ? [{ ask: addContext(ask, "aws:SecureTransport", "false"), side: "all" as const }]
      : []),
    ...(hangs && ask.resource !== "*"
      ? listOtherPrincipals(ask).map((other): DeniedRequest => ({ ask: other, side: "resource" }))
      : []),
  ];
};
