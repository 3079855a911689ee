import { createServer, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Json } from "#platform/store/store.ts";
import { TaskFailed } from "#worlds/embedded/engine/run-build-task.ts";
import { parseHostedFunctionName, type StepHosts } from "./step-hosts.ts";

type StepServerDependencies = {
  readonly hosts: StepHosts;
  readonly build: (event: Json) => Promise<Json>;
};

const errorHeader = "x-amz-function-error";

/**
 * Serves moto's outgoing calls (moto/steps.py): Lambda invocations and builds. It listens before its dependencies
 * exist, because moto gets its address at the start.
 */
export const startStepServer = async (log: (line: string) => void) => {
  const dependencies = Promise.withResolvers<StepServerDependencies>();
  const send = (response: ServerResponse, body: string, error?: string) =>
    response
      .writeHead(200, { "content-type": "application/json", ...(error && { [errorHeader]: error }) })
      .end(body);

  const build = async (response: ServerResponse, event: Json) => {
    try {
      send(response, JSON.stringify(await (await dependencies.promise).build(event)));
    } catch (error) {
      if (!(error instanceof TaskFailed)) throw error;
      send(response, error.message, "Unhandled");
    }
  };
  const server = createServer(async (request, response) => {
    try {
      const event: Json = JSON.parse((await buffer(request)).toString("utf8"));
      if (request.url === "/codebuild/startBuild") return await build(response, event);
      const name = parseHostedFunctionName(
        /\/functions\/([\w-]+)\/invocations/.exec(request.url ?? "")?.[1] ?? "",
      );
      if (!name) throw new Error(`unknown function: ${request.url}`);
      const { payload, functionError } = await (await dependencies.promise).hosts.invoke(name, event);
      send(response, JSON.stringify(payload ?? null), functionError);
    } catch (error) {
      log(`${request.url}: ${String(error)}`);
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    serve: dependencies.resolve,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
};
