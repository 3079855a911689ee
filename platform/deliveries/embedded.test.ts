import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "#platform/store/open-database.ts";
import { deliveriesContract } from "#test/contracts/deliveries.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createEmbeddedDeliveries } from "./embedded.ts";

deliveriesContract("aws-local-stepfunctions", async () => {
  const folder = await createTemporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  const tokens = new Map<string, PromiseWithResolvers<string>>();
  const getToken = (name: string) => {
    const token = tokens.get(name) ?? Promise.withResolvers<string>();
    tokens.set(name, token);
    return token;
  };
  const deliveries = createEmbeddedDeliveries({
    database,
    clock: Date.now,
    newToken: randomUUID,
    definition: {
      StartAt: "Ask",
      States: {
        Ask: {
          Type: "Task",
          Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
          Parameters: {
            FunctionName: "ask",
            Payload: { "name.$": "$$.Execution.Name", "taskToken.$": "$$.Task.Token" },
          },
          TimeoutSeconds: 60,
          ResultPath: "$.Ask",
          End: true,
        },
      },
    },
    tasks: {
      ask: async (event) => {
        if (typeof event === "object" && event !== null && !Array.isArray(event))
          getToken(String(event.name)).resolve(String(event.taskToken));
        return undefined;
      },
    },
  });
  return {
    deliveries,
    token: (name) => getToken(name).promise,
    close: async () => {
      deliveries.close();
      await deliveries.idle();
      database.close();
      await folder.remove();
    },
  };
});

test("a closed engine writes nothing: the next engine aborts its running executions as Interrupted, and none has ended", async () => {
  const folder = await createTemporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  const taskResult = Promise.withResolvers<undefined>();
  const taskStarted = Promise.withResolvers<void>();
  const endedExecutions: string[] = [];
  const createEngine = () =>
    createEmbeddedDeliveries({
      database,
      clock: Date.now,
      newToken: randomUUID,
      definition: {
        StartAt: "Work",
        States: {
          Work: {
            Type: "Task",
            Resource: "arn:aws:lambda:eu-central-1:000000000000:function:taskResult",
            Catch: [{ ErrorEquals: ["States.ALL"], Next: "Failed" }],
            End: true,
          },
          Failed: { Type: "Fail", Error: "Broken", Cause: "it is broken" },
        },
      },
      tasks: {
        taskResult: async () => {
          taskStarted.resolve();
          return taskResult.promise;
        },
      },
      onEnd: (name) => void endedExecutions.push(name),
    });
  const closing = createEngine();
  await closing.start("one", {});
  await taskStarted.promise;
  closing.close();
  taskResult.reject(new Error("the thread that ran it has ended"));
  await closing.idle();
  expect(await closing.describe("one")).toMatchObject({ status: "RUNNING" });
  expect(await createEngine().resume()).toEqual({ resumed: [], interrupted: ["one"] });
  expect(await closing.describe("one")).toMatchObject({ status: "ABORTED", error: { name: "Interrupted" } });
  expect(endedExecutions).toEqual([]);
  database.close();
  await folder.remove();
});
