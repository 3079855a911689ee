import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import type { EncodedFeed } from "#model-folder/rows/encode-rows.ts";
import { createTableEncoder, mergeTables, type RowTable } from "#model-folder/rows/scan/encode-table.ts";
import { createRowScanner, type ScannedBody } from "#model-folder/rows/scan/scan-rows.ts";
import { assertOutputShapes } from "./assert-output-shapes.ts";
import { batchRuns, eventLoopLimit } from "./batch-runs.ts";
import { createFeeds } from "./create-feeds.ts";
import type { Feeds } from "./feed-tensor.ts";
import { type PredictedRows, predictedColumns } from "./predicted-rows.ts";
import { readScoreColumns } from "./read-score-columns.ts";
import { type ScoreColumns, takeScoreColumns } from "./score-columns.ts";
import { createScoreText, type ScoreText } from "./score-text.ts";
import type { Session } from "./session.ts";

/** Predicts from the bytes of a body without an object for each row. */
export type ColumnPath = {
  /** Undefined for a body that must be read as objects: with an invalid or unusual value, or not JSON at all. */
  scan(body: Uint8Array, needs: { readonly text: boolean }): ScannedRows | undefined;
  /** Rejects as LoadedModel.predict does; the rows as objects then give the same error with its places. */
  predict(rows: ScannedRows): Promise<PredictedRows>;
};

/** Rows in columns: small requests can join others in a batch. */
export type ScannedRows = ScannedBody & { readonly encoded: RowTable };

type Needs = {
  readonly columns: readonly Column[];
  readonly session: Session;
  readonly outputs: readonly string[];
  /** Numbers per row in each output. */
  readonly width: number;
};

/**
 * Creates the path through columns of a model; undefined for a model with inputs or predictions that are no numbers, flags,
 * known categories, scores or values.
 */
export const createColumnPath = (
  manifest: Manifest,
  { columns, session, outputs, width }: Needs,
): ColumnPath | undefined => {
  const scan = createRowScanner(columns);
  const read = readScoreColumns(manifest, width);
  if (!scan || !read) return undefined;
  const checkShape = assertOutputShapes(manifest);
  const { runNow } = session;
  const encode = createTableEncoder(columns, { keepsFeeds: runNow !== undefined });
  let last: { readonly encoded: readonly EncodedFeed[]; readonly feeds: Feeds } | undefined;
  /** The feeds of requests with as many rows as the one before are the same arrays, so they need their names only once. */
  const nameFeeds = (encoded: readonly EncodedFeed[]): Feeds => {
    if (last?.encoded === encoded) return last.feeds;
    const feeds = createFeeds(encoded);
    last = runNow && { encoded, feeds };
    return feeds;
  };
  const predictBatch = batchRuns<RowTable, ScoreColumns>({
    countRows: ({ count }) => count,
    merge: mergeTables,
    take: takeScoreColumns,
    run: async (rows) => read(await session.run(nameFeeds(encode(rows)), outputs, checkShape), rows.count),
    limit: eventLoopLimit,
  });
  const predictTable = (rows: RowTable): ScoreColumns | Promise<ScoreColumns> =>
    runNow ? read(runNow(nameFeeds(encode(rows)), outputs, checkShape), rows.count) : predictBatch(rows);
  let formatText: ((columns: ScoreColumns) => ScoreText) | undefined;
  return {
    scan(body, needs) {
      const scanned = scan(body, needs.text);
      if (!scanned) return undefined;
      const { count, table, layout, text } = scanned;
      // The table is the scanner's memory, so it is copied before the next scan.
      return { count, layout, text, encoded: { count, table: table.slice() } };
    },
    async predict({ encoded }) {
      const predicted = predictTable(encoded);
      const scores = predicted instanceof Promise ? await predicted : predicted;
      formatText ??= createScoreText(scores);
      return predictedColumns(scores, formatText);
    },
  };
};
