import type { Ask, Side } from "./access.ts";

/** A question that has to be answered no, and by which side. */
export type Refused = { readonly ask: Ask; readonly side: Side };

/**
 * Where a function's permission is for any of its kind, because deliveries make them. What begins alike is one kind;
 * everything else beside a resource that was asked for is to be refused.
 */
const anyOfItsKind: readonly (readonly [kind: RegExp, why: string])[] = [
  [
    /^(arn:aws:lambda:[^:]*:\d+:function:slipway-(?:stage|prod)-)./,
    "models come and go, and so do their functions",
  ],
  [/^(arn:aws:logs:[^:]*:\d+:log-group:\/aws\/lambda\/slipway-(?:stage|prod)-)./, "and their log groups"],
  [/^(arn:aws:logs:[^:]*:\d+:log-group:\/aws\/[\w-]+\/slipway-[\w-]+:)./, "a log group's streams"],
  [/^(arn:aws:apigateway:[^:]*::\/apis\/[^/]+\/(?:routes|integrations)\/)./, "their routes"],
  [/^(arn:aws:states:[^:]*:\d+:execution:slipway:)./, "each delivery is an execution"],
  [/^(arn:aws:execute-api:[^:]*:\d+:[^/]+\/)./, "MLflow's API, which has no permissions by path"],
  [/^(arn:aws:s3:::slipway-registry-[^/]+\/mlflow\/)./, "every version's artefacts"],
  [/^(arn:aws:s3:::slipway-(?:stage|prod)-records-[^/]+\/)./, "every prediction's blobs"],
];

const isSameKind = (one: string, other: string): boolean =>
  anyOfItsKind.some(([kind]) => {
    const found = kind.exec(one)?.[1];
    return found !== undefined && found === kind.exec(other)?.[1];
  });

/** Resources beside one: another name at every place of its ARN, another region, another account. */
const beside = (resource: string): readonly string[] => {
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
  ].filter((one) => !isSameKind(resource, one));
};

const withContext = (ask: Ask, name: string, value: string): Ask => ({
  ...ask,
  context: { ...ask.context, [name]: value },
});

/** Somebody else who might ask the same: another role here, a role elsewhere, another service. */
const others = (ask: Ask): readonly Ask[] => {
  const account = ask.principal.split(":")[4];
  const foreign = { ...ask, principal: "arn:aws:iam::999999999999:role/slipway-other" };
  return account === undefined
    ? [foreign, { ...ask, principal: "ec2.amazonaws.com" }]
    : [foreign, { ...ask, principal: `arn:aws:iam::${account}:role/other` }];
};

/** Of what is allowed, everything beside it that must not be. */
export const refusedBeside = (ask: Ask, side: Side): readonly Refused[] => {
  const isService = !ask.principal.startsWith("arn:");
  const hangs = /^(sts|ecr|kms|sns|sqs|s3):/.test(ask.action);
  return [
    ...(isService
      ? []
      : beside(ask.resource).map((resource): Refused => ({ ask: { ...ask, resource }, side: "identity" }))),
    ...Object.entries(ask.context).map(
      ([name, value]): Refused => ({ ask: withContext(ask, name, `${value}-other`), side }),
    ),
    ...(/^(s3|sqs|sns):/.test(ask.action)
      ? [{ ask: withContext(ask, "aws:SecureTransport", "false"), side: "all" as const }]
      : []),
    ...(hangs ? others(ask).map((other): Refused => ({ ask: other, side: "resource" })) : []),
  ];
};
