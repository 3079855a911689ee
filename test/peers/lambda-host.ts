import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { formatReportLine } from "#platform/serving/lambda-report.ts";
import { findSentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { type ExecutionEnvironment, startExecutionEnvironment } from "./execution-environment.ts";
import type { NextHeaders } from "./runtime-api/schemas.ts";

export type LambdaHostOptions = {
  /** The function's name in its ARN. */
  readonly name: string;
  /** A folder with `index.mjs`, or a zip of it as `npm run build` writes. */
  readonly code: string;
  /** The function's variables, with its credentials. It also gets Lambda's variables and PATH, and no others. */
  readonly env: Readonly<Record<string, string>>;
  /** Default: 30. */
  readonly timeoutSeconds?: number;
  /** Reported, not enforced. Default: 256. */
  readonly memoryMb?: number;
  /** Default: 123456789012. */
  readonly account?: string;
};

export type LambdaResult = {
  /** The function's result; with a `functionError` its error: `{ errorType, errorMessage, … }`. */
  readonly payload: unknown;
  /** The value of X-Amz-Function-Error. */
  readonly functionError?: "Unhandled";
  /** Its output since the previous event, between Lambda's lines START, END and REPORT. */
  readonly log: string;
};

export type LambdaHost = {
  /**
   * Runs one event; events at the same time run in separate environments, as on Lambda. Rejects only for a log with a
   * marked secret, not for an error of the function.
   */
  invoke(payload: unknown): Promise<LambdaResult>;
  /** Ends all its processes. */
  stop(): Promise<void>;
};

const createTraceId = () => {
  const seconds = Math.floor(Date.now() / 1_000).toString(16);
  return `Root=1-${seconds}-${randomBytes(12).toString("hex")};Parent=${randomBytes(8).toString("hex")};Sampled=0`;
};

/** The folder with the function's code, and a temporary folder for its logs. */
const unpackCode = async (code: string) => {
  const folder = await createTemporaryFolder();
  if (!code.endsWith(".zip")) return { root: code, folder };
  const root = join(folder.path, "task");
  await mkdir(root);
  for (const [name, content] of Object.entries(unzipSync(await readFile(code)))) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return { root, folder };
};

/**
 * Runs a function as Lambda does: its bundle under AWS's runtime client, with events from a Runtime API (runtime-api/).
 * The first event starts a process. A process handles one event at a time and stays for the next, until its function
 * times out or exits. For differences from Lambda see docs/peers.md.
 */
export const createLambdaHost = (options: LambdaHostOptions): LambdaHost => {
  const { name, timeoutSeconds = 30, memoryMb = 256, account = "123456789012" } = options;
  const region = options.env.AWS_REGION ?? "eu-central-1";
  const all = new Set<ExecutionEnvironment>();
  const idle: ExecutionEnvironment[] = [];
  let unpacked: ReturnType<typeof unpackCode> | undefined;
  let streams = 0;

  const variables = {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    ...options.env,
  };
  const startEnvironment = async (): Promise<ExecutionEnvironment> => {
    unpacked ??= unpackCode(options.code);
    const { root, folder } = await unpacked;
    const stream = String(streams++);
    const environment = await startExecutionEnvironment({
      root,
      logFile: join(folder.path, `${stream}.log`),
      variables: { ...variables, AWS_LAMBDA_LOG_STREAM_NAME: stream },
    });
    all.add(environment);
    return environment;
  };
  const headers = (requestId: string): NextHeaders => ({
    "lambda-runtime-aws-request-id": requestId,
    "lambda-runtime-deadline-ms": String(Date.now() + timeoutSeconds * 1_000),
    "lambda-runtime-invoked-function-arn": `arn:aws:lambda:${region}:${account}:function:${name}`,
    "lambda-runtime-trace-id": createTraceId(),
  });

  return {
    async invoke(event) {
      const requestId = randomUUID();
      const environment = idle.findLast((each) => each.alive()) ?? (await startEnvironment());
      idle.splice(0, idle.length, ...idle.filter((each) => each !== environment));
      const payload = JSON.stringify(event);
      const result = await environment.serve({
        payload,
        requestId,
        timeoutSeconds,
        headers: () => headers(requestId),
      });
      if (environment.alive()) idle.push(environment);
      const log = [
        `START RequestId: ${requestId} Version: $LATEST`,
        ...result.log.split("\n").filter((line) => line !== ""),
        `END RequestId: ${requestId}`,
        formatReportLine(requestId, memoryMb, result),
      ].join("\n");
      const secrets = findSentinelSecrets(log);
      if (secrets.length > 0) throw new Error(`the log of ${name} contains ${secrets.join(", ")}`);
      return result.ended.status === "answered"
        ? { payload: JSON.parse(result.ended.payload), log }
        : { payload: result.ended.error, functionError: "Unhandled", log };
    },

    async stop() {
      await Promise.all([...all].map((environment) => environment.stop()));
      await unpacked?.then(({ folder }) => folder.remove());
    },
  };
};
