import type { Database, DatabaseRow } from "#platform/store/open-database.ts";
import type { Json } from "#platform/store/store.ts";
import type { Execution, ExecutionError, ExecutionStatus, StateEvent } from "./deliveries.ts";

/** The state that an execution entered last, with the state's input. */
export type ExecutionPosition = { readonly state: string; readonly data: Json };

const toText = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const toIsoTime = (value: unknown): string => new Date(Number(value)).toISOString();
const parseJson = (value: string): Json => JSON.parse(value);
const readError = (row: DatabaseRow): { error?: ExecutionError } => {
  const name = toText(row.error_name);
  return name === undefined ? {} : { error: { name, cause: toText(row.error_cause) ?? "" } };
};

const executionStatuses = [
  "RUNNING",
  "SUCCEEDED",
  "FAILED",
  "ABORTED",
  "TIMED_OUT",
] as const satisfies ExecutionStatus[];
const eventStatuses = [
  "entered",
  "succeeded",
  "failed",
  "retried",
  "caught",
] as const satisfies StateEvent["status"][];

const toExecution = (row: DatabaseRow): Execution => {
  const output = toText(row.output);
  return {
    name: String(row.name),
    status: executionStatuses.find((status) => status === row.status) ?? "ABORTED",
    input: parseJson(String(row.input)),
    startedAt: toIsoTime(row.started_at),
    ...(output === undefined ? {} : { output: parseJson(output) }),
    ...(row.ended_at === null ? {} : { endedAt: toIsoTime(row.ended_at) }),
    ...readError(row),
  };
};

const toStateEvent = (row: DatabaseRow): StateEvent => {
  const output = toText(row.output);
  return {
    state: String(row.state),
    status: eventStatuses.find((status) => status === row.status) ?? "failed",
    at: toIsoTime(row.at),
    ms: Number(row.ms),
    ...(output === undefined ? {} : { output: parseJson(output) }),
    ...readError(row),
  };
};

/** Executions and their events in the embedded world's database. Times are epoch milliseconds. */
export const createExecutionTable = (database: Database) => {
  const insert = database.prepare(
    `INSERT INTO executions (name, number, status, input, started_at)
     VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM executions), 'RUNNING', ?, ?) ON CONFLICT (name) DO NOTHING`,
  );
  const select = database.prepare("SELECT * FROM executions WHERE name = ?");
  const page = database.prepare(
    `SELECT * FROM executions WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR number < ?2) ORDER BY number DESC LIMIT ?3`,
  );
  const enter = database.prepare(
    "UPDATE executions SET state = ?, state_data = ? WHERE name = ? AND status = 'RUNNING'",
  );
  const finish = database.prepare(
    `UPDATE executions SET status = ?, output = ?, error_name = ?, error_cause = ?, ended_at = ? WHERE name = ? AND status = 'RUNNING'`,
  );
  const addEvent = database.prepare(
    `INSERT INTO execution_events (name, sequence, state, status, at, ms, output, error_name, error_cause)
     VALUES (?1, (SELECT coalesce(max(sequence), 0) + 1 FROM execution_events WHERE name = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
  );
  const events = database.prepare("SELECT * FROM execution_events WHERE name = ? ORDER BY sequence");

  return {
    /** False if the name has been used. */
    start: (name: string, input: Json, now: number): boolean =>
      insert.run(name, JSON.stringify(input), now) > 0,
    read: (name: string): Execution | undefined => {
      const row = select.get(name);
      return row && toExecution(row);
    },
    /** Undefined before the first state. */
    position: (name: string): ExecutionPosition | undefined => {
      const row = select.get(name);
      const state = toText(row?.state);
      return state === undefined ? undefined : { state, data: parseJson(toText(row?.state_data) ?? "null") };
    },
    enter: (name: string, { state, data }: ExecutionPosition): void => {
      enter.run(state, JSON.stringify(data), name);
    },
    /** Ends a running execution; false if it has ended before. */
    finish: (
      name: string,
      end: { readonly status: ExecutionStatus; readonly output?: Json; readonly error?: ExecutionError },
      now: number,
    ): boolean =>
      finish.run(
        end.status,
        end.output === undefined ? null : JSON.stringify(end.output),
        end.error?.name ?? null,
        end.error?.cause ?? null,
        now,
        name,
      ) > 0,
    addEvent: (name: string, event: Omit<StateEvent, "at"> & { readonly at: number }): void => {
      addEvent.run(
        name,
        event.state,
        event.status,
        event.at,
        event.ms,
        event.output === undefined ? null : JSON.stringify(event.output),
        event.error?.name ?? null,
        event.error?.cause ?? null,
      );
    },
    events: (name: string): StateEvent[] => events.all(name).map(toStateEvent),
    list: (options: {
      readonly limit: number;
      readonly status?: ExecutionStatus;
      readonly after?: string;
    }) => {
      const rows = page.all(
        options.status ?? null,
        options.after === undefined ? null : Number(options.after),
        options.limit + 1,
      );
      const shown = rows.slice(0, options.limit);
      return {
        executions: shown.map(toExecution),
        ...(rows.length > options.limit ? { cursor: String(shown.at(-1)?.number) } : {}),
      };
    },
  };
};
