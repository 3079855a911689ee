import type { AccessRequest, PolicySide } from "./policy-simulator.ts";

/** A request that must be denied, and the side that denies it. */
export type DeniedRequest = { readonly ask: AccessRequest; readonly side: PolicySide };

/**
 * Resources that deliveries create: a function has permission for the kind. Equal prefixes are one kind; any other
 * resource next to a requested one must be denied.
 */
const openResourceKinds: readonly (readonly [kind: RegExp, why: string])[] = [
  [/^(arn:aws:lambda:[^:]*:\d+:function:slipway-(?:stage|prod)-)./, "each model has its own functions"],
  [/^(arn:aws:logs:[^:]*:\d+:log-group:\/aws\/lambda\/slipway-(?:stage|prod)-)./, "each has a log group"],
  [/^(arn:aws:logs:[^:]*:\d+:log-group:\/aws\/[\w-]+\/slipway-[\w-]+:)./, "a log group's streams"],
  [/^(arn:aws:apigateway:[^:]*::\/apis\/[^/]+\/(?:routes|integrations)\/)./, "each function has routes"],
  [/^(arn:aws:states:[^:]*:\d+:execution:slipway:)./, "each delivery is an execution"],
  [/^(arn:aws:execute-api:[^:]*:\d+:[^/]+\/)./, "MLflow's API has no permissions by path"],
  [
    /^(arn:aws:s3:::slipway-artefacts-[^/]+\/(?:builder|provenance|artefacts\/sha256)\/)./,
    "each builder, each image's statement and each artefact",
  ],
  [/^(arn:aws:s3:::slipway-audit-[^/]+\/audit\/)./, "each head of an audit trail has an anchor"],
  [/^(arn:aws:s3:::slipway-registry-[^/]+\/mlflow\/)./, "every version's artefacts"],
  [/^(arn:aws:s3:::slipway-(?:stage|prod)-records-[^/]+\/)./, "every prediction's blobs"],
];

/** The same for values of conditions. */
const openConditionKinds: typeof openResourceKinds = [
  ...openResourceKinds,
  [/^(arn:aws:logs:[^:]*:\d+:log-group:)\/aws\/lambda\/[^:]+$/, "all log groups of the account use the key"],
  [/^(arn:aws:events:[^:]*:\d+:rule\/)./, "all our rules use the dead letters"],
  [/^(audit\/)./, "each model has anchors"],
];

export const isSameResourceKind = (a: string, b: string, kinds = openResourceKinds): boolean =>
  kinds.some(([kind]) => {
    const resourceKind = kind.exec(a)?.[1];
    return resourceKind !== undefined && resourceKind === kind.exec(b)?.[1];
  });

/** Variants of a resource: another name at every position of its ARN, another region, another account. */
const listSiblingResources = (resource: string): readonly string[] => {
  const [head = "", region = "", account = "", rest = ""] =
    /^(arn:aws:[\w-]+):([\w-]*):(\d*):(.*)$/.exec(resource)?.slice(1) ?? [];
  if (head === "") return [];
  const parts = rest.split(/([:/])/);
  const renamedResources = parts.flatMap((part, index) =>
    /^[:/]?$/.test(part)
      ? []
      : ["other", `${part}-other`].map(
          (name) => `${head}:${region}:${account}:${parts.with(index, name).join("")}`,
        ),
  );
  return [
    ...renamedResources,
    ...(region === "" ? [] : [`${head}:eu-west-9:${account}:${rest}`]),
    ...(account === "" ? [] : [`${head}:${region}:999999999999:${rest}`]),
  ].filter((sibling) => !isSameResourceKind(resource, sibling));
};

const addContext = (ask: AccessRequest, name: string, value: string): AccessRequest => ({
  ...ask,
  context: { ...ask.context, [name]: value },
});

/** Other values of a condition's key: for an ARN another name and another account, else another word. */
const listOtherValues = (value: string): readonly string[] =>
  value.startsWith("arn:")
    ? [value.replace(/[^:/]+$/, "other"), value.replace(/^((?:[^:]*:){4})\d+/, "$1999999999999")].filter(
        (changed) => !isSameResourceKind(value, changed, openConditionKinds),
      )
    : [`${value}-other`, `other-${value}`].filter(
        (changed) => !isSameResourceKind(value, changed, openConditionKinds),
      );

/** Context keys that vary from call to call and have no condition: each approval has its own id. */
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
  // Only builds sign, whatever a policy of this account allows.
  if (ask.action === "kms:Sign")
    return [foreign, { ...ask, principal: `arn:aws:iam::${account}:role/other` }];
  // Only our roles that complete tasks decrypt a token, whatever a policy of this account allows.
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

/** Calls that write the deliveries' table must not reach the platform's policy or freezes in it. */
const listPolicyTableWrites = (ask: AccessRequest): readonly DeniedRequest[] =>
  /^dynamodb:(Update|Put|Delete|BatchWrite)/.test(ask.action) &&
  ask.resource.endsWith(":table/slipway-deliveries")
    ? ["policy", "policy-proposals", "policy-signed#AROAOPERATOR:ada@example.com", "freezes"].map(
        (partition) => ({
          ask: addContext(ask, "dynamodb:LeadingKeys", partition),
          side: "identity" as const,
        }),
      )
    : [];

/**
 * Only the two functions that record the audit trails write to them, and nobody removes an entry.
 */
const listAuditTableWrites = (ask: AccessRequest): readonly DeniedRequest[] => {
  const isRecorder = /:role\/slipway-(answer-approval|sweep-deliveries)$/.test(ask.principal);
  const isDenied = isRecorder
    ? /^dynamodb:(Put|Delete|BatchWrite)/.test(ask.action)
    : /^dynamodb:(Update|Put|Delete|BatchWrite)/.test(ask.action);
  return isDenied && ask.resource.endsWith(":table/slipway-deliveries")
    ? ["audit#churn", "audit-facts#churn", "audit-evidence#churn", "audit-progress"].map((partition) => ({
        ask: addContext(ask, "dynamodb:LeadingKeys", partition),
        side: "identity" as const,
      }))
    : [];
};

/** Who may delete a version may not delete its function. */
const listWholeFunction = (ask: AccessRequest): readonly DeniedRequest[] =>
  ask.action === "lambda:DeleteFunction" && /:function:[^:]+:\d+$/.test(ask.resource)
    ? [{ ask: { ...ask, resource: ask.resource.replace(/:\d+$/, "") }, side: "identity" }]
    : [];

/** All variants of an allowed request that must be denied. */
export const listDeniedRequests = (ask: AccessRequest, side: PolicySide): readonly DeniedRequest[] => {
  const isService = !ask.principal.startsWith("arn:");
  const hasResourcePolicy = /^(sts|ecr|kms|sns|sqs|s3):/.test(ask.action);
  return [
    ...listWholeFunction(ask),
    ...(isService
      ? []
      : listSiblingResources(ask.resource).map(
          (resource): DeniedRequest => ({ ask: { ...ask, resource }, side: "identity" }),
        )),
    ...Object.entries(ask.context)
      .filter(([name]) => !unboundContextKeys.has(name))
      .flatMap(([name, value]) =>
        listOtherValues(value).map((wrong): DeniedRequest => ({ ask: addContext(ask, name, wrong), side })),
      ),
    ...listPolicyTableWrites(ask),
    ...listAuditTableWrites(ask),
    ...(/^(s3|sqs|sns):/.test(ask.action)
      ? [{ ask: addContext(ask, "aws:SecureTransport", "false"), side: "all" as const }]
      : []),
    ...(hasResourcePolicy && ask.resource !== "*"
      ? listOtherPrincipals(ask).map((request): DeniedRequest => ({ ask: request, side: "resource" }))
      : []),
  ];
};
