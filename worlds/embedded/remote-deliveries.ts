import { z } from "zod";
import { type Deliveries, TaskGone } from "#platform/deliveries/deliveries.ts";
import { createExecutionTable } from "#platform/deliveries/execution-table.ts";
import type { Database } from "#platform/store/open-database.ts";
import type { ControlCall } from "./control-route.ts";

/** No rehearsal runs on the data folder, so there is no engine. */
export class NotRunning extends Error {
  override readonly name = "NotRunning";
}

/**
 * The deliveries of a data folder, for processes without the engine: they read from the database and send all changes to
 * the process with the engine. Throws NotRunning where none runs.
 */
export const remoteDeliveries = ({
  database,
  url,
  token,
}: {
  database: Database;
  url: string | undefined;
  token: string;
}): Deliveries => {
  const table = createExecutionTable(database);
  const send = async (call: ControlCall): Promise<unknown> => {
    if (url === undefined)
      throw new NotRunning("no rehearsal runs on this folder: start one with `npm start`");
    const response = await fetch(`${url}/control/deliveries`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(call),
      signal: AbortSignal.timeout(60_000),
    }).catch((error: unknown) => {
      throw new NotRunning(`the rehearsal at ${url} does not respond: restart it with \`npm start\``, {
        cause: error,
      });
    });
    if (response.status === 410) throw new TaskGone("no delivery waits for this decision any more");
    if (!response.ok)
      throw new Error(`the rehearsal returned status ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    start: async (name, input) =>
      z.object({ started: z.boolean() }).parse(await send({ call: "start", name, input })),
    describe: async (name) => table.read(name),
    history: async (name) => table.events(name),
    list: async (options) => table.list(options),
    succeed: async (token, output) => void (await send({ call: "succeed", token, output })),
    fail: async (token, error) => void (await send({ call: "fail", token, error })),
  };
};
