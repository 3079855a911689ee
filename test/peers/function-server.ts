import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { parseFunctionName } from "#platform/serving/function-name.ts";
import { formatReportLine } from "#platform/serving/lambda-report.ts";
import { FunctionFailed } from "#platform/serving/serving.ts";
import { createFunctionHost, type FunctionLogLine } from "#worlds/embedded/functions/function-host.ts";

/** Lambda's description of a version, from our addition to moto (moto/function_versions.py). */
const MotoFunction = z.object({
  FunctionName: z.string(),
  Version: z.string(),
  MemorySize: z.number(),
  Timeout: z.number(),
  ImageUri: z.string(),
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }).optional(),
});

/**
 * Runs the functions that moto invokes as worker processes, on a free port (moto's FUNCTIONS_URL).
 * `imageRoot`: the folder with an image's files; `onLine`: gets their output;
 * `idleMs`: an idle version ends after this time.
 */
export const startFunctionServer = async (
  imageRoot: (digest: string) => Promise<string>,
  { onLine = () => {}, idleMs }: { onLine?: (line: FunctionLogLine) => void; idleMs?: number } = {},
) => {
  const host = createFunctionHost({
    imageRoot,
    metrics: { request: () => {}, unreported: () => {} },
    parseEmf: () => undefined,
    onLine,
    staysWarm: async () => false,
    clock: Date.now,
    requestId: () => "request",
    ...(idleMs === undefined ? {} : { idleMs }),
  });

  const call = async (header: string, body: Buffer) => {
    const description = MotoFunction.parse(JSON.parse(Buffer.from(header, "base64").toString("utf8")));
    const target = parseFunctionName(description.FunctionName);
    if (!target) throw new Error(`${description.FunctionName} is not an inference function`);
    const config = {
      digest: description.ImageUri.split("@")[1] ?? "",
      memoryMb: description.MemorySize,
      timeoutSeconds: description.Timeout,
      variables: description.Environment?.Variables ?? {},
    };
    const version = { version: description.Version, config };
    const result = await host.invoke({ ...target, version, payload: JSON.parse(body.toString("utf8")) });
    return { payload: result.payload, log: formatReportLine("request", description.MemorySize, result) };
  };

  const server = createServer(async (request, response) => {
    try {
      const { payload, log } = await call(
        String(request.headers["x-slipway-function"]),
        await buffer(request),
      );
      response
        .writeHead(200, { "x-amz-log-result": Buffer.from(log).toString("base64") })
        .end(JSON.stringify(payload));
    } catch (error) {
      if (error instanceof FunctionFailed)
        response
          .writeHead(200, { "x-amz-function-error": "Unhandled" })
          .end(JSON.stringify({ errorType: "Error", errorMessage: error.message }));
      else response.writeHead(500).end(String(error));
    }
  });
  // moto keeps its connections open until it stops.
  server.keepAliveTimeout = 0;
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** Invokes a known version without moto. */
    invoke: host.invoke,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await host.stop();
    },
  };
};
