import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { CreateFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { CreateStateMachineCommand, SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, expect, test } from "vitest";
import { deliveriesContract } from "#test/contracts/deliveries.ts";
import { createRole } from "#test/peers/create-role.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { createStepFunctionsDeliveries } from "./step-functions.ts";

const role = "arn:aws:iam::123456789012:role/slipway";
const tokens = new Map<string, PromiseWithResolvers<string>>();
const getToken = (name: string) => {
  const token = tokens.get(name) ?? Promise.withResolvers<string>();
  tokens.set(name, token);
  return token;
};

/** The function `ask`, which moto calls: it resolves the promise of its token. */
let functions: Server | undefined;
const startFunctions = async () => {
  functions = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { execution, taskToken } = JSON.parse(Buffer.concat(parts).toString());
    getToken(execution).resolve(taskToken);
    response.setHeader("content-type", "application/json").end("{}");
  }).listen(0, "127.0.0.1");
  await once(functions, "listening");
  const address = functions.address();
  return { STEPS_URL: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}` };
};
afterAll(() => {
  functions?.close();
});

const definition = (timeout: number) => ({
  StartAt: "Ask",
  States: {
    Ask: {
      Type: "Task",
      Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
      Parameters: {
        FunctionName: "ask",
        Payload: { "execution.$": "$$.Execution.Id", "taskToken.$": "$$.Task.Token" },
      },
      TimeoutSeconds: timeout,
      ResultPath: "$.Ask",
      End: true,
    },
  },
});

let machines = 0;
const subject = async (peer: MotoPeer, states: object = definition(60)) => {
  const lambda = new LambdaClient(peer.direct());
  if (machines === 0) {
    await createRole(peer.direct().endpoint, "123456789012", "slipway", { service: "lambda.amazonaws.com" });
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName: "ask",
        Runtime: "nodejs22.x",
        Role: role,
        Handler: "index.handler",
        Code: { ZipFile: Buffer.from("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", "base64") },
      }),
    );
  }
  lambda.destroy();
  machines += 1;
  const direct = new SFNClient(peer.direct());
  const { stateMachineArn = "" } = await direct.send(
    new CreateStateMachineCommand({
      name: `delivery-${machines}`,
      definition: JSON.stringify(states),
      roleArn: role,
    }),
  );
  direct.destroy();
  const client = new SFNClient(peer.config());
  const deliveries = createStepFunctionsDeliveries({ client, stateMachineArn });
  return {
    client,
    stateMachineArn,
    deliveries,
    token: (name: string) =>
      getToken(`${stateMachineArn.replace("stateMachine", "execution")}:${name}`).promise,
    /** As a person does in AWS's console. */
    stop: (name: string, cause: string) =>
      client.send(
        new StopExecutionCommand({
          executionArn: `${stateMachineArn.replace("stateMachine", "execution")}:${name}`,
          error: "Interrupted",
          cause,
        }),
      ),
    close: async () => client.destroy(),
  };
};

describeWithFaults(
  "deliveries",
  (peer, name) => {
    deliveriesContract(`Step Functions, ${name}`, () => subject(peer));

    test("an execution that a person stops is ABORTED with the cause, and its token is gone", async () => {
      const { deliveries, token, stop, close } = await subject(peer);
      await deliveries.start("one", {});
      const taskToken = await token("one");
      await stop("one", "a person stopped it");
      const status = async () => (await deliveries.describe("one"))?.status;
      await expect.poll(status, { timeout: 120_000, interval: 10 }).toBe("ABORTED");
      const execution = await deliveries.describe("one");
      expect(execution).toMatchObject({ error: { cause: "a person stopped it" } });
      await expect(deliveries.succeed(taskToken, {}, "one")).rejects.toMatchObject({ name: "TaskGone" });
      expect(await deliveries.describe("one")).toEqual(execution);
      await close();
    });

    test("a retry after a lost response succeeds, and a second result is TaskGone", async () => {
      const { deliveries, token, close } = await subject(peer);
      await deliveries.start("one", {});
      const taskToken = await token("one");
      peer.proxy().next("cut after");
      await deliveries.succeed(taskToken, { status: "approved" }, "one");
      peer.proxy().next("cut before");
      const late = deliveries.succeed(taskToken, { status: "rejected" }, "one");
      await expect(late).rejects.toMatchObject({ name: "TaskGone" });
      await close();
    });

    test("a start is reported as started after a lost response, even if the execution has ended", async () => {
      const { deliveries, close } = await subject(peer, {
        StartAt: "Done",
        States: { Done: { Type: "Succeed" } },
      });
      peer.proxy().next("cut after");
      expect(await deliveries.start("one", {})).toEqual({ started: true });
      expect(await deliveries.start("one", {})).toEqual({ started: false });
      await close();
    });

    test("a history spans all pages, and no state's data shows the start mark", async () => {
      const names = Array.from({ length: 400 }, (_, index) => `Pass${index}`);
      const states = Object.fromEntries(
        names.map((each, index) => {
          const next = names[index + 1];
          return [each, { Type: "Pass", ...(next === undefined ? { End: true } : { Next: next }) }];
        }),
      );
      const { deliveries, close } = await subject(peer, { StartAt: "Pass0", States: states });
      await deliveries.start("one", { model: "churn" });
      const ended = async () => (await deliveries.describe("one"))?.status;
      await expect.poll(ended, { timeout: 120_000, interval: 50 }).toBe("SUCCEEDED");
      const history = await deliveries.history("one");
      expect(history.filter(({ status }) => status === "succeeded").map(({ state }) => state)).toEqual(names);
      expect(history.at(-1)?.output).toEqual({ model: "churn" });
      await close();
    });

    test("a task without a result fails with States.Timeout, and the history shows the Catch", async () => {
      const ask = definition(1).States.Ask;
      const { deliveries, token, close } = await subject(peer, {
        StartAt: "Ask",
        States: {
          Ask: {
            ...ask,
            End: undefined,
            Next: "Fine",
            Catch: [{ ErrorEquals: ["States.Timeout"], ResultPath: "$.error", Next: "Late" }],
          },
          Fine: { Type: "Succeed" },
          Late: { Type: "Fail", Error: "Expired", Cause: "nobody answered" },
        },
      });
      await deliveries.start("one", {});
      const taskToken = await token("one");
      const status = async () => (await deliveries.describe("one"))?.status;
      await expect.poll(status, { timeout: 120_000, interval: 50 }).toBe("FAILED");
      expect(await deliveries.history("one")).toMatchObject([
        { state: "Ask", status: "entered" },
        { state: "Ask", status: "caught", error: { name: "States.Timeout" } },
        { state: "Late", status: "entered" },
        { state: "Late", status: "failed", error: { name: "Expired", cause: "nobody answered" } },
      ]);
      await expect(deliveries.succeed(taskToken, {}, "one")).rejects.toMatchObject({ name: "TaskGone" });
      await close();
    });
  },
  startFunctions,
);
