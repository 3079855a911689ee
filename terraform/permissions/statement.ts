/** A statement of an IAM policy, in its JSON form. */
export type Statement = {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Principal?: "*" | Readonly<Record<string, string | readonly string[]>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
};

/**
 * Reasons for statements that allow actions on `*`. The key is the statement's Sid, so the policy itself contains the
 * reason. A test fails for `*` without one of these Sids.
 */
export const anyResourceReasons = {
  TaskTokensNameNoResource:
    "SendTaskSuccess and SendTaskFailure know the task by its token and take no resource",
  MetricsNameNoResource: "CloudWatch's reads and X-Ray's writes take no resource",
  TracesNameNoResource: "X-Ray takes no resource",
  ListFunctionsNamesNoResource: "ListFunctions takes no resource",
  AccountSettingsNameNoResource: "GetAccountSettings, for the quota of slipway doctor, takes no resource",
  LogDeliveryNamesNoResource:
    "the calls by which Step Functions sets up its own log delivery take no resource",
  RegistryLoginNamesNoResource: "GetAuthorizationToken takes no resource",
  SessionChannelsNameNoResource: "the channels of an ECS Exec session take no resource",
  KeyPoliciesNameTheirOwnKey: "in a key's policy `*` is that key",
} as const;
type AnyResourceReason = keyof typeof anyResourceReasons;

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

/** Allows actions on `*`, for one of the reasons above. */
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

/** Denies everybody requests without TLS, in the policy of a resource. */
export const denyWithoutTls = (
  Action: Statement["Action"],
  Resource: Statement["Resource"] & {},
): Statement => ({
  Sid: "OnlyByTls",
  Effect: "Deny",
  Principal: "*",
  Action,
  Resource,
  Condition: { Bool: { "aws:SecureTransport": "false" } },
});

export const toPolicyJson = (statements: readonly Statement[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
