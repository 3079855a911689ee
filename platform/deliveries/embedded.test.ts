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
  const of = (name: string) => {
    const found = tokens.get(name) ?? Promise.withResolvers<string>();
    tokens.set(name, found);
    return found;
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
          of(String(event.name)).resolve(String(event.taskToken));
        return undefined;
      },
    },
  });
  return {
    deliveries,
    token: (name) => of(name).promise,
    close: async () => {
      const { executions } = await deliveries.list({ limit: 100, status: "RUNNING" });
      for (const { name } of executions) await deliveries.stop(name, "the test is over");
      await deliveries.idle();
      database.close();
      await folder.remove();
    },
  };
});

test("an engine that is closed writes nothing more: what fails with its process is interrupted, and no execution has ended", async () => {
  const folder = await createTemporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  const work = Promise.withResolvers<undefined>();
  const begun = Promise.withResolvers<void>();
  const ended: string[] = [];
  const engine = () =>
    createEmbeddedDeliveries({
      database,
      clock: Date.now,
      newToken: randomUUID,
      definition: {
        StartAt: "Work",
        States: {
          Work: {
            Type: "Task",
            Resource: "arn:aws:lambda:eu-central-1:000000000000:function:work",
            Catch: [{ ErrorEquals: ["States.ALL"], Next: "Failed" }],
            End: true,
          },
          Failed: { Type: "Fail", Error: "Broken", Cause: "it is broken" },
        },
      },
      tasks: {
        work: async () => {
          begun.resolve();
          return work.promise;
        },
      },
      onEnd: (name) => void ended.push(name),
    });
  const closing = engine();
  await closing.start("one", {});
  await begun.promise;
  closing.close();
  work.reject(new Error("the thread that ran it has ended"));
  await closing.idle();
  expect(await closing.describe("one")).toMatchObject({ status: "RUNNING" });
  expect(await engine().resume()).toEqual({ resumed: [], interrupted: ["one"] });
  expect(await closing.describe("one")).toMatchObject({ status: "ABORTED", error: { name: "Interrupted" } });
  expect(ended).toEqual([]);
  database.close();
  await folder.remove();
});
