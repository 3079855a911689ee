import type { ImagePreparation } from "./infer-array-input.ts";
import type { CsvOptions } from "./read-csv-table.ts";
import type { ReadFile } from "./read-image-files.ts";
import type { PredictedSource } from "./read-predicted.ts";
import type { TaskOptions } from "./task-evidence.ts";

/** What a new model's folder is made of. */
export type ModelSource = {
  readonly name: string;
  readonly onnx: Uint8Array;
  /** What was changed in it when it was read, one sentence each. */
  readonly onnxChanges?: readonly string[];
  readonly csv: Uint8Array;
  /** The table's name, for messages; JSON lines end in .jsonl or .ndjson. */
  readonly csvName: string;
  /** How to read the CSV, where the file itself leaves it open. */
  readonly tableOptions?: Pick<CsvOptions, "encoding" | "delimiter" | "decimal">;
  /** Reads an image that the table names by its path; absent: paths are texts. */
  readonly readFile?: ReadFile | undefined;
  /** Label columns: one, or one per value of a regression with several values, or per label of several; none: no truth. */
  readonly targets: readonly string[];
  /** What the caller says about the output; absent: graph, rows and targets decide. */
  readonly options?: TaskOptions | undefined;
  /** How images are prepared, where the caller says so; absent: a guess. */
  readonly image?: ImagePreparation | undefined;
  /** Only for a text model. `maxTokens`: the caller's choice, if any. */
  readonly tokenizer: { readonly bytes: Uint8Array; readonly maxTokens: number | undefined } | undefined;
  /** Columns that are not inputs of the model. */
  readonly ignored: readonly string[];
  /** What another implementation predicted for the rows. */
  readonly predicted?: PredictedSource | undefined;
  readonly owner: string | undefined;
  readonly approvers: readonly string[];
  /** The approvers of the platform's policy, where `approvers` is empty. */
  readonly policyApprovers: readonly string[];
};
