import { appendInParallel } from "#inference/records/append-in-parallel.ts";
import { createPredictionReader } from "#inference/records/prediction-reader.ts";
import { createRecorder } from "#inference/records/recorder.ts";
import type { PredictedRequest } from "#inference/records/records.ts";
import type { SmallBlobs } from "#platform/blobs/blobs.ts";
import type { Store } from "#platform/store/store.ts";
import { memoryStore } from "./memory-store.ts";

type Options = {
  readonly inputs?: "full" | "hashed" | "none";
  readonly hashKey?: () => Promise<Uint8Array>;
  readonly limitMs?: number;
  readonly ttlDays?: number;
  readonly instrument?: (store: Store) => Store;
  /** Records by one call for items and counters, as `slipway serve` does: the index holds small requests. */
  readonly appends?: boolean;
};

/** A recorder and a reader over a store and blobs in memory, on a clock that the test sets. */
export const createRecordsFixture = (options: Options = {}) => {
  const {
    inputs = "full",
    hashKey,
    limitMs,
    ttlDays = 30,
    instrument = (store: Store) => store,
    appends = false,
  } = options;
  const { store: plain, database, time, clock } = memoryStore();
  time.now = Date.UTC(2026, 10, 21, 12, 30);
  const store = instrument(plain);
  const objects = new Map<string, Uint8Array>();
  const blobs: SmallBlobs = {
    put: async (key, bytes) => void objects.set(key, bytes),
    get: async (key) => objects.get(key),
  };
  const lines: string[] = [];
  const served = { environment: "prod", model: "churn" } as const;
  const recording = createRecorder({
    store,
    append: appends ? appendInParallel(store) : undefined,
    blobs,
    manifest: { records: { inputs, ttlDays } },
    hashKey,
    log: (line) => lines.push(line),
    // A busy machine needs longer for a million characters than a response would wait.
    limitMs: limitMs ?? 30_000,
  });
  /** Reads like a process that has just started. */
  const newReader = () => createPredictionReader({ store, blobs, clock, ...served });
  /** The JSON of all items. */
  const storedItems = (): readonly string[] =>
    database
      .prepare("SELECT value FROM items")
      .all()
      .map(({ value }) => String(value));
  return {
    recorder: recording,
    reader: newReader(),
    newReader,
    ...{ store, storedItems, blobs, kept: objects, time, lines },
  };
};

/** A request with these predicted labels, row by row. */
export const createLabelledRows = (
  labels: readonly string[],
  changes: Partial<PredictedRequest> = {},
): PredictedRequest => ({
  id: "request-1",
  at: Date.UTC(2026, 10, 21, 12),
  model: "churn",
  modelVersion: 3,
  digest: `sha256:${"a".repeat(64)}`,
  environment: "prod",
  latencyMs: 1.5,
  rows: labels.map((_, tenure) => ({ tenure, contract: "one-year" })),
  predictions: labels.map((label) => ({ label, scores: { [label]: 1 } })),
  ...changes,
});
