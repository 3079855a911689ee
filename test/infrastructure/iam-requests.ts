import type { RecordedCall } from "#test/peers/recording-proxy.ts";

/** A request that AWS checks against its policies for a call. */
export type IamRequest = {
  readonly action: string;
  /** An ARN, or `*` where the action takes none. */
  readonly resource: string;
  /** Condition keys besides the global ones. */
  readonly context: Readonly<Record<string, string>>;
};

/** A call, with its account and region in `arn`. */
type CallContext = {
  readonly call: RecordedCall;
  /** `arn:aws:<service>:<region>:<account of the caller>:<rest>` */
  readonly arn: (service: string, rest: string) => string;
  /** A field of the input; "" if it is absent. */
  readonly text: (name: string) => string;
};
type RequestMapper = (info: CallContext) => readonly IamRequest[];

const createRequest = (
  action: string,
  resource: string,
  context: Readonly<Record<string, string>> = {},
): IamRequest => ({ action, resource, context });

const mapTable =
  (...actions: readonly string[]): RequestMapper =>
  ({ arn, text }) =>
    actions.map((action) =>
      createRequest(`dynamodb:${action}`, arn("dynamodb", `table/${text("TableName")}`)),
    );

/** `churn` in `/2015-03-31/functions/churn/aliases/live`. */
const readFunctionName = ({ call, text }: CallContext): string =>
  decodeURIComponent(/\/functions\/([^/]+)/.exec(call.path)?.[1] ?? text("FunctionName"));
const mapFunction =
  (
    action: string,
    context: (info: CallContext) => Readonly<Record<string, string>> = () => ({}),
  ): RequestMapper =>
  (info) => [
    createRequest(
      `lambda:${action}`,
      info.arn("lambda", `function:${readFunctionName(info)}`),
      context(info),
    ),
  ];

/** Lambda reads an image with its caller's permissions: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html */
const imagePullRequests = (uri: unknown): readonly IamRequest[] => {
  const [, account, region, name] =
    /^(\d+)\.dkr\.ecr\.([\w-]+)\.amazonaws\.com\/([^@:]+)/.exec(typeof uri === "string" ? uri : "") ?? [];
  return name === undefined
    ? []
    : ["BatchGetImage", "GetDownloadUrlForLayer"].map((action) =>
        createRequest(`ecr:${action}`, `arn:aws:ecr:${region}:${account}:repository/${name}`),
      );
};
const readImageUri = ({ call }: CallContext): unknown => {
  const { Code, ImageUri } = call.input;
  return typeof Code === "object" && Code !== null && "ImageUri" in Code ? Code.ImageUri : ImageUri;
};

const mapRepository =
  (action: string): RequestMapper =>
  ({ arn, text }) => [createRequest(`codecommit:${action}`, arn("codecommit", text("repositoryName")))];
const mapImageRepository =
  (action: string): RequestMapper =>
  ({ arn, text }) => [createRequest(`ecr:${action}`, arn("ecr", `repository/${text("repositoryName")}`))];
const mapLogGroup =
  (action: string): RequestMapper =>
  ({ arn, text }) => [createRequest(`logs:${action}`, arn("logs", `log-group:${text("logGroupName")}`))];
const mapGlobalAction =
  (action: string): RequestMapper =>
  () => [createRequest(action, "*")];
const mapExecution =
  (action: string): RequestMapper =>
  ({ text }) => [createRequest(`states:${action}`, text("executionArn"))];
const mapStateMachine =
  (action: string): RequestMapper =>
  ({ text }) => [createRequest(`states:${action}`, text("stateMachineArn"))];

/** The members of an encryption context as condition keys: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html */
const toEncryptionKeys = (context: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(typeof context === "object" && context !== null ? context : {}).map(([name, value]) => [
      `kms:EncryptionContext:${name}`,
      String(value),
    ]),
  );
const mapKey =
  (action: string): RequestMapper =>
  ({ call, text }) => [
    createRequest(`kms:${action}`, text("KeyId"), toEncryptionKeys(call.input.EncryptionContext)),
  ];

/**
 * Without s3:ListBucket an absent object is AccessDenied:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
const mapObjectRead = (info: CallContext) => [
  createRequest("s3:GetObject", readObjectArn(info)),
  ...(info.call.status === 404
    ? [createRequest("s3:ListBucket", readObjectArn(info).replace(/\/.*/, ""))]
    : []),
];
const readObjectArn = ({ call }: CallContext) => `arn:aws:s3:::${decodeURIComponent(call.path.slice(1))}`;

const reference = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_";

/**
 * Maps a call to the requests that AWS checks: action, resource and condition keys, as each service's page documents
 * them. Requests that another service makes for the caller are in the same row.
 */
const services: Readonly<
  Record<string, { readonly page: string; readonly rows: Readonly<Record<string, RequestMapper>> }>
> = {
  dynamodb: {
    page: `${reference}amazondynamodb.html`,
    rows: {
      GetItem: mapTable("GetItem"),
      PutItem: mapTable("PutItem"),
      UpdateItem: mapTable("UpdateItem"),
      Query: mapTable("Query"),
      BatchWriteItem: ({ call, arn }) =>
        Object.keys(call.input.RequestItems ?? {}).map((table) =>
          createRequest("dynamodb:BatchWriteItem", arn("dynamodb", `table/${table}`)),
        ),
      // A transaction needs the permissions of its parts:
      // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
      TransactWriteItems: ({ call, arn }) =>
        (Array.isArray(call.input.TransactItems) ? call.input.TransactItems : []).flatMap((item: object) =>
          Object.entries(item).map(([kind, { TableName }]) =>
            createRequest(
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
      GetFunction: mapFunction("GetFunction"),
      GetFunctionConfiguration: mapFunction("GetFunctionConfiguration"),
      ListVersionsByFunction: mapFunction("ListVersionsByFunction"),
      ListFunctions: mapGlobalAction("lambda:ListFunctions"),
      CreateFunction: (info) => [
        ...mapFunction("CreateFunction")(info),
        ...(info.call.input.Tags ? mapFunction("TagResource")(info) : []),
        createRequest("iam:PassRole", info.text("Role"), { "iam:PassedToService": "lambda.amazonaws.com" }),
        ...imagePullRequests(readImageUri(info)),
      ],
      UpdateFunctionCode: (info) => [
        ...mapFunction("UpdateFunctionCode")(info),
        ...imagePullRequests(readImageUri(info)),
      ],
      UpdateFunctionConfiguration: mapFunction("UpdateFunctionConfiguration"),
      PublishVersion: mapFunction("PublishVersion"),
      GetAlias: mapFunction("GetAlias"),
      CreateAlias: mapFunction("CreateAlias"),
      UpdateAlias: mapFunction("UpdateAlias"),
      DeleteAlias: mapFunction("DeleteAlias"),
      AddPermission: mapFunction("AddPermission", ({ text }) => ({ "lambda:Principal": text("Principal") })),
      DeleteFunction: (info) => {
        const { Qualifier } = info.call.query;
        const version = Qualifier === undefined ? "" : `:${Qualifier}`;
        return [
          createRequest(
            "lambda:DeleteFunction",
            info.arn("lambda", `function:${readFunctionName(info)}${version}`),
          ),
        ];
      },
      // Without a qualifier the function itself is the resource: a policy for `function:name` allows no version.
      // https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
      Invoke: (info) => {
        const { Qualifier } = info.call.query;
        const version = Qualifier === undefined ? "" : `:${Qualifier}`;
        return [
          createRequest(
            "lambda:InvokeFunction",
            info.arn("lambda", `function:${readFunctionName(info)}${version}`),
          ),
        ];
      },
    },
  },
  sts: {
    page: `${reference}awssecuritytokenservice.html`,
    rows: {
      AssumeRole: ({ text }) => [
        createRequest("sts:AssumeRole", text("RoleArn"), { "sts:ExternalId": text("ExternalId") }),
      ],
    },
  },
  kms: {
    page: `${reference}awskeymanagementservice.html`,
    rows: {
      Encrypt: mapKey("Encrypt"),
      Decrypt: mapKey("Decrypt"),
      Verify: mapKey("Verify"),
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
          createRequest("ssm:GetParameter", parameter),
          ...(call.status === 200
            ? [
                createRequest("kms:Decrypt", "the account's key", {
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
      PutObject: (info) => [createRequest("s3:PutObject", readObjectArn(info))],
      GetObject: mapObjectRead,
      // ListObjectVersions: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
      GetBucket: ({ call }) =>
        "versions" in call.query
          ? [
              createRequest("s3:ListBucketVersions", `arn:aws:s3:::${call.path.replaceAll("/", "")}`, {
                "s3:prefix": call.query.prefix ?? "",
              }),
            ]
          : [],
      // It needs the permission of GetObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
      HeadObject: mapObjectRead,
    },
  },
  states: {
    page: `${reference}awsstepfunctions.html`,
    rows: {
      StartExecution: mapStateMachine("StartExecution"),
      ListExecutions: mapStateMachine("ListExecutions"),
      DescribeExecution: mapExecution("DescribeExecution"),
      GetExecutionHistory: mapExecution("GetExecutionHistory"),
      StopExecution: mapExecution("StopExecution"),
      SendTaskSuccess: mapGlobalAction("states:SendTaskSuccess"),
      SendTaskFailure: mapGlobalAction("states:SendTaskFailure"),
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
      ].map((action) => [action, mapRepository(action)] as const),
    ),
  },
  ecr: {
    page: `${reference}amazonelasticcontainerregistry.html`,
    rows: {
      BatchGetImage: mapImageRepository("BatchGetImage"),
      PutImage: mapImageRepository("PutImage"),
      DescribeImages: mapImageRepository("DescribeImages"),
      DescribeImageScanFindings: mapImageRepository("DescribeImageScanFindings"),
    },
  },
  logs: {
    page: `${reference}amazoncloudwatchlogs.html`,
    rows: {
      CreateLogGroup: mapLogGroup("CreateLogGroup"),
      AssociateKmsKey: mapLogGroup("AssociateKmsKey"),
      PutRetentionPolicy: mapLogGroup("PutRetentionPolicy"),
      DeleteLogGroup: mapLogGroup("DeleteLogGroup"),
    },
  },
  monitoring: {
    page: `${reference}amazoncloudwatch.html`,
    rows: Object.fromEntries(
      ["GetMetricData", "ListMetrics", "GetMetricStatistics"].map(
        (action) => [action, mapGlobalAction(`cloudwatch:${action}`)] as const,
      ),
    ),
  },
  codebuild: {
    page: `${reference}awscodebuild.html`,
    rows: Object.fromEntries(
      ["StartBuild", "BatchGetBuilds"].map((action) => [
        action,
        ({ arn, text }: CallContext) => [
          createRequest(`codebuild:${action}`, arn("codebuild", `project/${text("projectName")}`)),
        ],
      ]),
    ),
  },
  events: {
    page: `${reference}amazoneventbridge.html`,
    rows: {
      PutEvents: ({ call, arn }) => {
        const entries: readonly { readonly EventBusName?: string }[] = Array.isArray(call.input.Entries)
          ? call.input.Entries
          : [];
        return [...new Set(entries.map(({ EventBusName = "default" }) => EventBusName))].map((bus) =>
          createRequest("events:PutEvents", arn("events", `event-bus/${bus}`)),
        );
      },
    },
  },
  sns: {
    page: `${reference}amazonsns.html`,
    rows: { Publish: ({ text }) => [createRequest("sns:Publish", text("TopicArn"))] },
  },
};

/**
 * Permission to manage an HTTP API is by method and path, without an account:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
 */
const apiGatewayRequests = ({ method, path, region }: RecordedCall) => [
  createRequest(`apigateway:${method}`, `arn:aws:apigateway:${region}::${path.replace(/^\/v2/, "")}`),
];

/** AWS's page of a service's actions, resources and condition keys, by the service's name in a call's signature. */
export const authorizationPages: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(services).map(([service, { page }]) => [service, page])),
  apigateway: `${reference}amazonapigatewaymanagementv2.html`,
  "execute-api": `${reference}amazonapigateway.html`,
};

/**
 * The requests that AWS checks for a call.
 * @param account the account of the caller's role
 * @param api ARN of the HTTP API for calls that are signed for `execute-api`
 * Throws RangeError for a call without a row: without a row nothing proves its permission.
 */
export const toIamRequests = (
  call: RecordedCall,
  { account, api, key }: { readonly account: string; readonly api: string; readonly key: string },
): readonly IamRequest[] => {
  if (call.service === "apigateway") return apiGatewayRequests(call);
  if (call.service === "execute-api")
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
    return [createRequest("execute-api:Invoke", `${api}/$default/${call.method}${call.path}`)];
  const row = services[call.service]?.rows[call.operation];
  if (row === undefined)
    throw new RangeError(
      `test/infrastructure/iam-requests.ts has no row for ${call.service} ${call.operation}: add the requests that AWS checks for it.`,
    );
  const text = (name: string) => String(call.input[name] ?? "");
  const arn = (service: string, rest: string) => `arn:aws:${service}:${call.region}:${account}:${rest}`;
  return row({ call, text, arn }).map((request) =>
    request.resource === "the account's key" ? { ...request, resource: key } : request,
  );
};
