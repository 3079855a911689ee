import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import type { EncodedFeed } from "#model-folder/rows/encode-rows.ts";
import { createTableEncoder, mergeTables, type RowTable } from "#model-folder/rows/scan/encode-table.ts";
import { createRowScanner, type ScannedBody } from "#model-folder/rows/scan/scan-rows.ts";
import { assertOutputShapes } from "./assert-output-shapes.ts";
import { batchRuns, maxRequestRows } from "./batch-runs.ts";
import { createFeeds } from "./create-feeds.ts";
import { type PredictedRows, predictedColumns } from "./predicted-rows.ts";
import { readScoreColumns } from "./read-score-columns.ts";
import { type ScoreColumns, takeScoreColumns } from "./score-columns.ts";
import { createScoreText, type ScoreText } from "./score-text.ts";
import type { Session } from "./session.ts";

/** Predicts from the bytes of a body without an object for each row. */
export type ColumnPath = {
  /** Undefined for a body that must be read as objects: with an invalid or unusual value, or not JSON at all. */
  scan(body: Uint8Array): ScannedRows | undefined;
  /** Rejects as LoadedModel.predict does; the rows as objects then give the same error with its places. */
  predict(rows: ScannedRows): Promise<PredictedRows>;
};

/** Rows in columns: of a small request as a table, which can join others in a batch, of a large one as the graph's inputs. */
export type ScannedRows = ScannedBody & { readonly encoded: RowTable | EncodedRows };

type EncodedRows = { readonly count: number; readonly feeds: readonly EncodedFeed[] };

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
  const encode = createTableEncoder(columns);
  const checkShape = assertOutputShapes(manifest);
  let formatText: ((columns: ScoreColumns) => ScoreText) | undefined;
  const run = async ({ count, feeds }: EncodedRows): Promise<ScoreColumns> =>
    read(await session.run(createFeeds(feeds), outputs, checkShape), count);
  const predictTable = batchRuns<RowTable, ScoreColumns>({
    countRows: ({ count }) => count,
    merge: mergeTables,
    take: takeScoreColumns,
    run: (rows) => run({ count: rows.count, feeds: encode(rows) }),
  });
  return {
    scan(body) {
      const scanned = scan(body);
      if (!scanned) return undefined;
      const { table, ...rest } = scanned;
      const { count } = rest;
      // The table is the scanner's memory, so it is used before the next scan.
      const encoded =
        count > maxRequestRows ? { count, feeds: encode({ count, table }) } : { count, table: table.slice() };
      return { ...rest, encoded };
    },
    async predict({ encoded }) {
      const scores = await ("feeds" in encoded ? run(encoded) : predictTable(encoded));
      formatText ??= createScoreText(scores);
      return predictedColumns(scores, formatText);
    },
  };
};
