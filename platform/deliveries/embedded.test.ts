import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { deliveriesContract } from "../../test/contracts/deliveries.ts";
import { temporaryFolder } from "../../test/temporary-folder.ts";
import { openDatabase } from "../store/open-database.ts";
import { embeddedDeliveries } from "./embedded.ts";

deliveriesContract("aws-local-stepfunctions", async () => {
  const folder = await temporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  const tokens = new Map<string, PromiseWithResolvers<string>>();
  const of = (name: string) => {
    const found = tokens.get(name) ?? Promise.withResolvers<string>();
    tokens.set(name, found);
    return found;
  };
  const deliveries = embeddedDeliveries({
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
