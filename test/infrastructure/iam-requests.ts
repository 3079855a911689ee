import type { RecordedCall } from "#test/peers/recorded-calls.ts";

/** What AWS asks its policies about a call. */
export type IamRequest = {
  readonly action: string;
  /** An ARN, or `*` where the action takes none. */
  readonly resource: string;
  /** Condition keys beside the global ones. */
  readonly context: Readonly<Record<string, string>>;
};

/** A call and where it was made. */
type Met = {
  readonly call: RecordedCall;
  /** `arn:aws:<service>:<region>:<account of the caller>:<rest>` */
  readonly arn: (service: string, rest: string) => string;
  /** A member of the input; an absent one is "". */
  readonly text: (name: string) => string;
};
type Row = (met: Met) => readonly IamRequest[];

const asked = (
  action: string,
  resource: string,
  context: Readonly<Record<string, string>> = {},
): IamRequest => ({ action, resource, context });

const onTable =
  (...actions: readonly string[]): Row =>
  ({ arn, text }) =>
    actions.map((action) => asked(`dynamodb:${action}`, arn("dynamodb", `table/${text("TableName")}`)));

/** `churn` and its qualifier of `/2015-03-31/functions/churn/aliases/live`. */
const functionIn = ({ call, text }: Met): string =>
  decodeURIComponent(/\/functions\/([^/]+)/.exec(call.path)?.[1] ?? text("FunctionName"));
const onFunction =
  (action: string, context: (met: Met) => Readonly<Record<string, string>> = () => ({})): Row =>
  (met) => [asked(`lambda:${action}`, met.arn("lambda", `function:${functionIn(met)}`), context(met))];

/** Lambda looks for an image with its caller's rights: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html */
const ofImage = (uri: unknown): readonly IamRequest[] => {
  const [, account, region, name] =
    /^(\d+)\.dkr\.ecr\.([\w-]+)\.amazonaws\.com\/([^@:]+)/.exec(typeof uri === "string" ? uri : "") ?? [];
  return name === undefined
    ? []
    : ["BatchGetImage", "GetDownloadUrlForLayer"].map((action) =>
        asked(`ecr:${action}`, `arn:aws:ecr:${region}:${account}:repository/${name}`),
      );
};
const imageIn = ({ call }: Met): unknown => {
  const { Code, ImageUri } = call.input;
  return typeof Code === "object" && Code !== null && "ImageUri" in Code ? Code.ImageUri : ImageUri;
};

const inCodeCommit =
  (action: string): Row =>
  ({ arn, text }) => [asked(`codecommit:${action}`, arn("codecommit", text("repositoryName")))];
const inEcr =
  (action: string): Row =>
  ({ arn, text }) => [asked(`ecr:${action}`, arn("ecr", `repository/${text("repositoryName")}`))];
const onLogGroup =
  (action: string): Row =>
  ({ arn, text }) => [asked(`logs:${action}`, arn("logs", `log-group:${text("logGroupName")}`))];
const withoutResource =
  (action: string): Row =>
  () => [asked(action, "*")];
const onExecution =
  (action: string): Row =>
  ({ text }) => [asked(`states:${action}`, text("executionArn"))];
const onMachine =
  (action: string): Row =>
  ({ text }) => [asked(`states:${action}`, text("stateMachineArn"))];

/** The members of an encryption context as condition keys: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html */
const encryptionContext = (context: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(typeof context === "object" && context !== null ? context : {}).map(([name, value]) => [
      `kms:EncryptionContext:${name}`,
      String(value),
    ]),
  );
const underKey =
  (action: string): Row =>
  ({ call, text }) => [
    asked(`kms:${action}`, text("KeyId"), encryptionContext(call.input.EncryptionContext)),
  ];

const objectIn = ({ call }: Met) => `arn:aws:s3:::${decodeURIComponent(call.path.slice(1))}`;

const reference = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_";

/**
 * From a call to what AWS asks of its policies: action, resource and condition keys, as the page of each service has
 * them. What a call makes another service ask in the caller's name stands in its row, too.
 */
const services: Readonly<
  Record<string, { readonly page: string; readonly rows: Readonly<Record<string, Row>> }>
> = {
  dynamodb: {
    page: `${reference}amazondynamodb.html`,
    rows: {
      GetItem: onTable("GetItem"),
      PutItem: onTable("PutItem"),
      UpdateItem: onTable("UpdateItem"),
      Query: onTable("Query"),
      BatchWriteItem: ({ call, arn }) =>
        Object.keys(call.input.RequestItems ?? {}).map((table) =>
          asked("dynamodb:BatchWriteItem", arn("dynamodb", `table/${table}`)),
        ),
      // A transaction is asked for as what it holds:
      // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
      TransactWriteItems: ({ call, arn }) =>
        (Array.isArray(call.input.TransactItems) ? call.input.TransactItems : []).flatMap((item: object) =>
          Object.entries(item).map(([kind, { TableName }]) =>
            asked(
              `dynamodb:${{ Put: "PutItem", Update: "UpdateItem", Delete: "DeleteItem" }[kind] ?? "ConditionCheckItem"}`,
              arn("dynamodb", `table/${TableName}`),
            ),
          ),
        ),
    },
  },
  lambda: {
    page: `${reference}awslambda.html`,
    rows: {
      GetFunction: onFunction("GetFunction"),
      GetFunctionConfiguration: onFunction("GetFunctionConfiguration"),
      ListVersionsByFunction: onFunction("ListVersionsByFunction"),
      ListFunctions: withoutResource("lambda:ListFunctions"),
      CreateFunction: (met) => [
        ...onFunction("CreateFunction")(met),
        ...(met.call.input.Tags ? onFunction("TagResource")(met) : []),
        asked("iam:PassRole", met.text("Role"), { "iam:PassedToService": "lambda.amazonaws.com" }),
        ...ofImage(imageIn(met)),
      ],
      UpdateFunctionCode: (met) => [...onFunction("UpdateFunctionCode")(met), ...ofImage(imageIn(met))],
      UpdateFunctionConfiguration: onFunction("UpdateFunctionConfiguration"),
      PublishVersion: onFunction("PublishVersion"),
      GetAlias: onFunction("GetAlias"),
      CreateAlias: onFunction("CreateAlias"),
      UpdateAlias: onFunction("UpdateAlias"),
      DeleteAlias: onFunction("DeleteAlias"),
      AddPermission: onFunction("AddPermission", ({ text }) => ({ "lambda:Principal": text("Principal") })),
      DeleteFunction: onFunction("DeleteFunction"),
      Invoke: (met) => [
        asked(
          "lambda:InvokeFunction",
          met.arn("lambda", `function:${functionIn(met)}:${met.call.query.Qualifier ?? "$LATEST"}`),
        ),
      ],
    },
  },
  sts: {
    page: `${reference}awssecuritytokenservice.html`,
    rows: {
      AssumeRole: ({ text }) => [
        asked("sts:AssumeRole", text("RoleArn"), { "sts:ExternalId": text("ExternalId") }),
      ],
    },
  },
  kms: {
    page: `${reference}awskeymanagementservice.html`,
    rows: {
      Encrypt: underKey("Encrypt"),
      Decrypt: underKey("Decrypt"),
      Verify: underKey("Verify"),
    },
  },
  ssm: {
    page: `${reference}awssystemsmanager.html`,
    rows: {
      // Parameter Store decrypts in the caller's name:
      // https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
      GetParameter: ({ call, arn, text }) => {
        const parameter = arn("ssm", `parameter${text("Name")}`);
        return [
          asked("ssm:GetParameter", parameter),
          ...(call.status === 200
            ? [
                asked("kms:Decrypt", "the account's key", {
                  "kms:EncryptionContext:PARAMETER_ARN": parameter,
                  "kms:ViaService": `ssm.${call.region}.amazonaws.com`,
                }),
              ]
            : []),
        ];
      },
    },
  },
  s3: {
    page: `${reference}amazons3.html`,
    rows: {
      PutObject: (met) => [asked("s3:PutObject", objectIn(met))],
      // Without s3:ListBucket an absent object is AccessDenied:
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
      GetObject: (met) => [
        asked("s3:GetObject", objectIn(met)),
        ...(met.call.status === 404 ? [asked("s3:ListBucket", objectIn(met).replace(/\/.*/, ""))] : []),
      ],
    },
  },
  states: {
    page: `${reference}awsstepfunctions.html`,
    rows: {
      StartExecution: onMachine("StartExecution"),
      ListExecutions: onMachine("ListExecutions"),
      DescribeExecution: onExecution("DescribeExecution"),
      GetExecutionHistory: onExecution("GetExecutionHistory"),
      StopExecution: onExecution("StopExecution"),
      SendTaskSuccess: withoutResource("states:SendTaskSuccess"),
      SendTaskFailure: withoutResource("states:SendTaskFailure"),
    },
  },
  codecommit: {
    page: `${reference}awscodecommit.html`,
    rows: Object.fromEntries(
      [
        "GetCommit",
        "BatchGetCommits",
        "GetBranch",
        "GetFolder",
        "GetBlob",
        "GetDifferences",
        "GetRepository",
      ].map((action) => [action, inCodeCommit(action)] as const),
    ),
  },
  ecr: {
    page: `${reference}amazonelasticcontainerregistry.html`,
    rows: {
      BatchGetImage: inEcr("BatchGetImage"),
      PutImage: inEcr("PutImage"),
      DescribeImages: inEcr("DescribeImages"),
      DescribeImageScanFindings: inEcr("DescribeImageScanFindings"),
    },
  },
  logs: {
    page: `${reference}amazoncloudwatchlogs.html`,
    rows: {
      CreateLogGroup: onLogGroup("CreateLogGroup"),
      AssociateKmsKey: onLogGroup("AssociateKmsKey"),
      PutRetentionPolicy: onLogGroup("PutRetentionPolicy"),
      DeleteLogGroup: onLogGroup("DeleteLogGroup"),
    },
  },
  monitoring: {
    page: `${reference}amazoncloudwatch.html`,
    rows: Object.fromEntries(
      ["GetMetricData", "ListMetrics", "GetMetricStatistics"].map(
        (action) => [action, withoutResource(`cloudwatch:${action}`)] as const,
      ),
    ),
  },
  codebuild: {
    page: `${reference}awscodebuild.html`,
    rows: Object.fromEntries(
      ["StartBuild", "BatchGetBuilds"].map((action) => [
        action,
        ({ arn, text }: Met) => [
          asked(`codebuild:${action}`, arn("codebuild", `project/${text("projectName")}`)),
        ],
      ]),
    ),
  },
  sns: {
    page: `${reference}amazonsns.html`,
    rows: { Publish: ({ text }) => [asked("sns:Publish", text("TopicArn"))] },
  },
};

/**
 * Control of an HTTP API is asked for by method and path, without an account:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
 */
const ofApiGateway = ({ method, path, region }: RecordedCall) => [
  asked(`apigateway:${method}`, `arn:aws:apigateway:${region}::${path.replace(/^\/v2/, "")}`),
];

/** AWS's page of what a service's policies may name, by the name in a call's signature. */
export const authorizationPages: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(services).map(([service, { page }]) => [service, page])),
  apigateway: `${reference}amazonapigatewaymanagementv2.html`,
  "execute-api": `${reference}amazonapigateway.html`,
};

/**
 * What AWS asks its policies when a call is made.
 * @param account in which the caller's role lies
 * @param api ARN of the HTTP API behind which calls that are signed for `execute-api` arrive
 * Throws RangeError for a call that no row knows: it needs one, or nothing proves its permission.
 */
export const iamRequests = (
  call: RecordedCall,
  { account, api, key }: { readonly account: string; readonly api: string; readonly key: string },
): readonly IamRequest[] => {
  if (call.service === "apigateway") return ofApiGateway(call);
  if (call.service === "execute-api")
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
    return [asked("execute-api:Invoke", `${api}/$default/${call.method}${call.path}`)];
  const row = services[call.service]?.rows[call.operation];
  if (row === undefined)
    throw new RangeError(
      `test/infrastructure/iam-requests.ts has no row for ${call.service} ${call.operation}: add what AWS asks of it.`,
    );
  const text = (name: string) => String(call.input[name] ?? "");
  const arn = (service: string, rest: string) => `arn:aws:${service}:${call.region}:${account}:${rest}`;
  return row({ call, text, arn }).map((one) =>
    one.resource === "the account's key" ? { ...one, resource: key } : one,
  );
};
