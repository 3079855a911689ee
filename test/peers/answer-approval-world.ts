import { setTimeout as pause } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { CreateFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { createApprovals, type NewApproval } from "#domain/approval/approvals.ts";
import { createKmsCipher } from "#platform/cipher/kms.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { fakeDeliveries } from "#test/support/fake-deliveries.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { startStubServer } from "#test/support/stub-server.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import { createRole } from "./create-role.ts";
import { motoClientConfig, startMoto } from "./moto.ts";
import { prepareDeliveryAccount } from "./prepare-delivery-account.ts";
import { startRecordingProxy } from "./recording-proxy.ts";

const approver = "U024BE7LH";
const email = "ada@example.com";
const functionName = handlerEnvironment.AWS_LAMBDA_FUNCTION_NAME;
/** moto creates a function from a zip; this one is empty, and never runs. */
const emptyZip = Buffer.from("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", "base64");

/**
 * What answer-approval calls, without the function itself: AWS (moto behind a recording proxy) and Slack.
 * @param delayMs how long each remote call takes in addition
 */
export const startAnswerApprovalWorld = async ({ delayMs = 0 }: { readonly delayMs?: number } = {}) => {
  const moto = await startMoto();
  await prepareDeliveryAccount(moto.endpoint);
  const config = motoClientConfig(moto.endpoint);
  const lambda = new LambdaClient(config);
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: functionName,
      Runtime: "nodejs24.x",
      Role: await createRole(moto.endpoint, "123456789012", functionName, {
        service: "lambda.amazonaws.com",
      }),
      Handler: "index.handler",
      Code: { ZipFile: emptyZip },
    }),
  );
  const recorder = await startRecordingProxy(moto.endpoint, {}, delayMs);
  const slackCalls: string[] = [];
  const slack = await startStubServer(async ({ url = "" }) => {
    slackCalls.push(url.replace(/^\//, ""));
    if (delayMs > 0) await pause(delayMs);
    return { ok: true };
  });
  const [dynamodb, kms, ssm] = [new DynamoDBClient(config), new KMSClient(config), new SSMClient(config)];
  const approvals = createApprovals({
    store: createDynamoDbStore({
      client: dynamodb,
      table: handlerEnvironment.DELIVERY_TABLE,
      clock: Date.now,
    }),
    cipher: createKmsCipher({ client: kms, key: handlerEnvironment.CIPHER_KEY }),
    deliveries: fakeDeliveries().deliveries,
  });

  let count = 0;
  /** Requests an approval as request-approval does; returns its id. */
  const ask = async (): Promise<string> => {
    count++;
    const now = Date.now();
    const question: NewApproval = {
      delivery: `toy-${count}`,
      model: toyModel,
      commit: fakeCommit("c"),
      digest: fakeDigest("c"),
      version: 3,
      baseline: 0,
      fence: 1,
      author: { name: "Sam", email: "sam@example.com" },
      pusher: null,
      contributors: {
        people: ["sam@example.com"],
        addresses: ["sam@example.com"],
        unmapped: [],
        approvers: [],
        leftOut: [],
        known: { domains: ["example.com"], elsewhere: [] },
        shown: [{ user: approver, email }],
      },
      evidence: { champion: null, changed: [], checks: [], omitted: [] },
      rule: { approvers: [approver], quorum: 1, authorMayApprove: false, timeout: "PT24H" },
      askedAt: now,
      expiresAt: now + 86_400_000,
    };
    return (await approvals.ask(question, sentinelSecrets.taskToken)).id;
  };
  /** A click as API Gateway passes it to the function. */
  const createClickEvent = (
    action: "approve" | "reject",
    approval: string,
    { user = approver, secret = sentinelSecrets.signingSecret as string } = {},
  ) => {
    const payload = {
      type: "block_actions",
      user: { id: user, username: "ada" },
      team: { id: handlerEnvironment.SLACK_TEAM_ID },
      api_app_id: handlerEnvironment.SLACK_APP_ID,
      trigger_id: "1.2",
      channel: { id: handlerEnvironment.SLACK_CHANNEL },
      actions: [{ action_id: action, value: approval }],
    };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const seconds = Math.floor(Date.now() / 1_000);
    return {
      version: "2.0",
      requestContext: { http: { method: "POST" } },
      headers: {
        "x-slack-request-timestamp": String(seconds),
        "x-slack-signature": signSlackRequest(secret, seconds, body),
      },
      body: Buffer.from(body).toString("base64"),
      isBase64Encoded: true,
    };
  };

  return {
    /** The function's variables; its calls go through the recorder. */
    variables: {
      ...handlerEnvironment,
      AWS_ENDPOINT_URL: recorder.endpoint,
      AWS_ACCESS_KEY_ID: "answer-approval",
      SLACK_API_URL: `${slack.url}/`,
    },
    recorder,
    slackCalls,
    ask,
    readApproval: approvals.read,
    createClickEvent,
    /** Sets the secret that was valid before a rotation. */
    setPreviousSecret: async (value: string) => {
      const Name = `${handlerEnvironment.SECRETS_PREFIX}SLACK_SIGNING_SECRET_PREVIOUS`;
      await ssm.send(new PutParameterCommand({ Name, Value: value, Type: "SecureString", Overwrite: true }));
    },
    stop: async () => {
      for (const client of [lambda, dynamodb, kms, ssm]) client.destroy();
      await slack.stop();
      await recorder.stop();
      await moto.stop();
    },
  };
};
export type AnswerApprovalWorld = Awaited<ReturnType<typeof startAnswerApprovalWorld>>;
