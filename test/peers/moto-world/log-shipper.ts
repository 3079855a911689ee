import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
} from "@aws-sdk/client-cloudwatch-logs";
import { actInAccount } from "#test/peers/act-in-account.ts";
import { motoClientConfig } from "#test/peers/moto.ts";

const stream = "here";
/** How long lines wait for a batch, milliseconds. */
const shipIntervalMs = 100;

/** Sends the functions' output to CloudWatch Logs of their account, where metric lines become metrics. */
export const createLogShipper = (endpoint: string) => {
  const clients = new Map<string, CloudWatchLogsClient>();
  const groups = new Map<string, Promise<void>>();
  const waiting = new Map<string, { account: string; group: string; lines: string[] }>();
  let last: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const getClient = (account: string) => {
    const client =
      clients.get(account) ?? actInAccount(account, new CloudWatchLogsClient(motoClientConfig(endpoint)));
    clients.set(account, client);
    return client;
  };
  const createGroup = async (logs: CloudWatchLogsClient, logGroupName: string) => {
    const ignore = (error: unknown) => {
      if (!(error instanceof ResourceAlreadyExistsException)) throw error;
    };
    await logs.send(new CreateLogGroupCommand({ logGroupName })).catch(ignore);
    await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: stream })).catch(ignore);
  };
  const ship = async () => {
    const all = [...waiting.entries()];
    waiting.clear();
    for (const [key, { account, group, lines }] of all) {
      const logs = getClient(account);
      const ready = groups.get(key) ?? createGroup(logs, group);
      groups.set(key, ready);
      await ready;
      const timestamp = Date.now();
      await logs.send(
        new PutLogEventsCommand({
          logGroupName: group,
          logStreamName: stream,
          logEvents: lines.map((message) => ({ timestamp, message })),
        }),
      );
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    last = last.then(ship, ship);
    return last;
  };

  return {
    /** `functionName`: the function's full name. */
    line: (account: string, functionName: string, line: string): void => {
      const group = `/aws/lambda/${functionName}`;
      const key = `${account} ${group}`;
      const batch = waiting.get(key) ?? { account, group, lines: [] };
      batch.lines.push(line);
      waiting.set(key, batch);
      timer ??= setTimeout(() => void flush().catch(() => undefined), shipIntervalMs);
    },
    /** Resolves when all lines so far have arrived. */
    flush,
    stop: async (): Promise<void> => {
      await flush().catch(() => undefined);
      for (const client of clients.values()) client.destroy();
    },
  };
};
