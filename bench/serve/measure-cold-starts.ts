import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const starter = fileURLToPath(new URL("start-function.mjs", import.meta.url));

/** Wall time and processor time, milliseconds. */
type ElapsedTime = { readonly wallMs: number; readonly cpuMs: number };
export type ColdStarts = {
  /** From the start of the process until the handler of an empty function is loaded. */
  readonly empty: readonly ElapsedTime[];
  readonly ours: readonly ElapsedTime[];
  /** The first response after that: it loads the AWS client and writes the record to a table that responds at once. */
  readonly firstRecorded: readonly ElapsedTime[];
};

type Needs = {
  /** The image's /var/task. */
  readonly task: string;
  readonly model: string;
  /** A direct invocation. */
  readonly event: string;
};

/** A stub of DynamoDB that accepts every write. */
const startTableStub = async () => {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/x-amz-json-1.0");
      response.end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    close: () => server.close(),
  };
};

const startFunction = async (
  entry: string,
  env: NodeJS.ProcessEnv,
  wrap: readonly string[],
  event?: string,
) => {
  const programArgs = [starter, pathToFileURL(entry).href, ...(event === undefined ? [] : [event])];
  const [command = process.execPath, ...args] = [...wrap, process.execPath, ...programArgs];
  const { stdout } = await run(command, args, { env });
  const elapsed: ElapsedTime & { readonly first?: ElapsedTime } = JSON.parse(
    stdout.trim().split("\n").at(-1) ?? "",
  );
  return elapsed;
};

/**
 * Starts an empty function and the model's function in turns, each in a new process. The first start of each does not
 * count, because it reads from disk.
 * @param wrap a command prefix, for example `taskset -c 0`
 */
export const measureColdStarts = async (
  { task, model, event }: Needs,
  {
    rounds,
    wrap,
    into,
  }: { readonly rounds: number; readonly wrap: readonly string[]; readonly into: string },
): Promise<ColdStarts> => {
  const empty = join(into, "empty.mjs");
  const index = join(task, "index.mjs");
  await writeFile(empty, "export const handler = async () => ({});\n");
  const table = await startTableStub();
  const env = {
    PATH: process.env.PATH,
    SLIPWAY_MODEL: model,
    SLIPWAY_MODEL_VERSION: "1",
    SLIPWAY_DIGEST: `sha256:${"0".repeat(64)}`,
    SLIPWAY_ENVIRONMENT: "prod",
    RECORDS_TABLE: "records",
    RECORDS_BUCKET: "records",
    AWS_ENDPOINT_URL: table.url,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "none",
    AWS_SECRET_ACCESS_KEY: "none",
  };
  const starts: { empty: ElapsedTime[]; ours: ElapsedTime[]; firstRecorded: ElapsedTime[] } = {
    empty: [],
    ours: [],
    firstRecorded: [],
  };
  try {
    for (let round = 0; round <= rounds; round++) {
      const emptyStart = await startFunction(empty, env, wrap);
      const modelStart = await startFunction(index, env, wrap);
      const { first } = await startFunction(index, env, wrap, event);
      if (round === 0) continue;
      starts.empty.push(emptyStart);
      starts.ours.push(modelStart);
      if (first) starts.firstRecorded.push(first);
    }
  } finally {
    table.close();
  }
  return starts;
};
