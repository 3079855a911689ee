/** One statement of an IAM policy, as it stands in the JSON. */
export type Statement = {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Principal?: "*" | Readonly<Record<string, string | readonly string[]>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
};

/**
 * Why a statement allows its actions on `*`: the statement's Sid is the key, so that the reason stands in the policy
 * itself. A test refuses `*` without one of these.
 */
export const anyResourceReasons = {
  TaskTokensNameNoResource:
    "SendTaskSuccess and SendTaskFailure know the task by its token and take no resource",
  MetricsNameNoResource: "CloudWatch's reads and X-Ray's writes take no resource",
  TracesNameNoResource: "X-Ray takes no resource",
  ListFunctionsNamesNoResource: "ListFunctions takes no resource",
  LogDeliveryNamesNoResource:
    "the calls by which Step Functions sets up its own log delivery take no resource",
  RegistryLoginNamesNoResource: "GetAuthorizationToken takes no resource",
  SessionChannelsNameNoResource: "the channels of an ECS Exec session take no resource",
  KeyPoliciesNameTheirOwnKey: "in a key's policy `*` is that key",
} as const;
type AnyResourceReason = keyof typeof anyResourceReasons;

/** Allows actions on these very resources. */
export const allow = (
  actions: readonly string[],
  resources: readonly string[],
  Condition?: Statement["Condition"],
): Statement => ({
  Effect: "Allow",
  Action: actions,
  Resource: resources,
  ...(Condition && { Condition }),
});

/** Allows actions on `*`, for a reason of the list above. */
export const allowAny = (
  reason: AnyResourceReason,
  actions: readonly string[],
  Condition?: Statement["Condition"],
): Statement => ({
  Sid: reason,
  Effect: "Allow",
  Action: actions,
  Resource: "*",
  ...(Condition && { Condition }),
});

/** A policy's JSON. */
export const toPolicyJson = (statements: readonly Statement[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
