import { expect, test } from "vitest";
import { assertTableFile } from "./assert-table-file.ts";

const lines = new TextEncoder().encode(
  '{"image": [[1, 2], [3, 4]], "label": "cat"}\n{"image": [[1, 2], [3, 4]], "label": "dog"}\n',
);
const list = new TextEncoder().encode('[{"a": 1, "label": "cat"}]');

test("JSON lines are a table by their name", () => {
  for (const name of ["rows.jsonl", "rows.ndjson", "ROWS.JSONL"])
    expect(() => assertTableFile(lines, name, undefined)).not.toThrow();
});

test("other JSON is refused with the line that writes JSON lines", () => {
  for (const bytes of [lines, list])
    expect(() => assertTableFile(bytes, "rows.json", undefined)).toThrow(
      'rows.json is JSON, not a CSV, Parquet or JSON lines table. Write it as JSON lines, one object per row: name a file that already has them rows.jsonl. In Python:\n    import pandas; pandas.read_json("rows.json").to_json("data.jsonl", orient="records", lines=True)',
    );
});
