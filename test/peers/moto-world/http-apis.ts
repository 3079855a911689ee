import { randomUUID } from "node:crypto";
import { ApiGatewayV2Client } from "@aws-sdk/client-apigatewayv2";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { Hono } from "hono";
import type { Functions } from "#platform/serving/functions.ts";
import { createLambdaServing } from "#platform/serving/lambda.ts";
import {
  type Environment,
  type FunctionVersion,
  type LiveAlias,
  NotServed,
  type Serving,
} from "#platform/serving/serving.ts";
import { actInAccount } from "#test/peers/act-in-account.ts";
import { motoClientConfig } from "#test/peers/moto.ts";
import { createDesk } from "#worlds/embedded/desk/desk.ts";
import { openDeskState } from "#worlds/embedded/desk/desk-state.ts";
import { callbackPath } from "#worlds/embedded/desk/slack-callback-route.ts";
import { slackWorkspace } from "#worlds/embedded/desk/slack-workspace.ts";
import { createGateway, createInvokeRoute } from "#worlds/embedded/gateway/gateway.ts";
import { toHttpEvent, toHttpResponse } from "#worlds/embedded/gateway/http-event.ts";
import { type AccountVariables, environmentAccounts } from "./create-accounts.ts";
import type { StepHosts } from "./step-hosts.ts";

/** How long an alias and its versions are cached, milliseconds. */
const aliasMs = 100;

/**
 * Serving that reads the alias `live` through Lambda's API and draws the version here, as Lambda does: otherwise every
 * request of an application would wait for moto. All other calls go to `serving`.
 */
const drawCanaryLocally = (
  serving: Serving,
  environment: Environment,
  functions: Functions,
  clock: () => number,
): Serving => {
  type Read = { readonly at: number; readonly live: Promise<LiveAlias | undefined> };
  const reads = new Map<string, Read>();
  const versions = new Map<string, Promise<FunctionVersion | undefined>>();
  const readLive = (model: string) => {
    const cached = reads.get(model);
    if (cached && clock() - cached.at < aliasMs) return cached.live;
    const live = serving.live(model);
    reads.set(model, { at: clock(), live });
    return live;
  };
  const readVersion = (model: string, version: string) => {
    const key = `${model} ${version}`;
    const lookup = versions.get(key) ?? serving.version(model, version);
    versions.set(key, lookup);
    return lookup;
  };
  return {
    ...serving,
    invoke: async (model, qualifier, payload) => {
      if (qualifier !== "live") return serving.invoke(model, qualifier, payload);
      const live = await readLive(model);
      if (!live) throw new NotServed(`${model} has no alias in ${environment}`);
      const { canary } = live;
      const number = canary && Math.random() < canary.weight ? canary.version : live.version;
      const version = await readVersion(model, number);
      if (!version) throw new NotServed(`${model} has no version ${number} in ${environment}`);
      return { ...(await functions.invoke({ environment, model, version, payload })), version: number };
    },
  };
};

type Needs = {
  readonly functions: Functions;
  readonly url: string;
  readonly variables: AccountVariables;
  readonly hosts: StepHosts;
  readonly secrets: { readonly signing: string; readonly bot: string; readonly control: string };
  readonly deskFile: string;
  readonly clock: () => number;
};

/** A bundle's first event waits for its process on a busy machine: Slack's limit is three seconds. */
const callbackTimeoutMs = 30_000;

/**
 * The servers in front of the functions on AWS: each environment's HTTP API, which calls the alias `live`, the HTTP API
 * of answer-approval, and Slack, which the desk replaces.
 */
export const createHttpApis = (needs: Needs) => {
  const { url, variables, hosts, clock, secrets } = needs;
  const endpoint = variables.AWS_ENDPOINT_URL;
  const serving = (environment: Environment) => {
    const account = environmentAccounts[environment];
    const lambdaServing = createLambdaServing({
      environment,
      lambda: actInAccount(account, new LambdaClient(motoClientConfig(endpoint))),
      api: actInAccount(account, new ApiGatewayV2Client(motoClientConfig(endpoint))),
      logs: actInAccount(account, new CloudWatchLogsClient(motoClientConfig(endpoint))),
      role: `arn:aws:iam::${account}:role/slipway-function`,
      repository: variables.IMAGE_REPOSITORY_URI,
      firstDigest: variables.FIRST_DIGEST,
      architecture: variables.ARCHITECTURE === "arm64" ? "arm64" : "x86_64",
      httpApi: { id: "", url: `${url}/${environment}` },
      logRetentionDays: 30,
    });
    return drawCanaryLocally(lambdaServing, environment, needs.functions, clock);
  };
  const servings = { stage: serving("stage"), prod: serving("prod") };
  const controller = new AbortController();
  const state = openDeskState(needs.deskFile);
  const app = new Hono()
    .route("/", createGateway({ servings, clock, requestId: randomUUID }))
    .route("/", createInvokeRoute({ servings, token: secrets.control, requestId: randomUUID }))
    .post(callbackPath, async (context) => {
      const body = new Uint8Array(await context.req.arrayBuffer());
      const options = { model: "", requestId: randomUUID(), now: clock() };
      const event = toHttpEvent(context.req.raw, callbackPath, body, options);
      const { payload, functionError } = await hosts.invoke("answer-approval", event);
      const httpResponse = functionError ? undefined : toHttpResponse(JSON.parse(JSON.stringify(payload)));
      return httpResponse ?? new Response(JSON.stringify(payload), { status: 502 });
    })
    .route(
      "/",
      createDesk({
        state,
        clock,
        randomId: randomUUID,
        signingSecret: secrets.signing,
        botToken: secrets.bot,
        callbackUrl: () => `${url}${callbackPath}`,
        ...slackWorkspace,
        callbackTimeoutMs,
        stop: controller.signal,
      }),
    );
  return {
    app,
    servings,
    desk: state,
    stop: () => controller.abort(),
  };
};
