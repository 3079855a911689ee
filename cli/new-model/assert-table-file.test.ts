import { describe, expect, test } from "vitest";
import { assertTableFile } from "./assert-table-file.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const lines = '{"window": [[1, 2], [3, 4]], "label": "a"}\n{"window": [[5, 6], [7, 8]], "label": "b"}\n';

describe("JSON as a table", () => {
  test.each(["rows.jsonl", "rows.NDJSON", "ROWS.JSONL"])("JSON lines are a table: %s", (name) => {
    expect(() => assertTableFile(encode(lines), name, undefined)).not.toThrow();
  });

  test("a list of rows is refused with the line that writes JSON lines, because arrays are no cells of a CSV", () => {
    expect(() =>
      assertTableFile(encode(`[${lines.trim().replace("\n", ",")}]`), "rows.json", undefined),
    ).toThrow(
      /rows\.json is JSON[\s\S]*read_json\("rows\.json"\)\.to_json\("data\.jsonl", orient="records", lines=True\)/,
    );
  });

  test("JSON lines with another name are refused with the name that they need", () => {
    expect(() => assertTableFile(encode(lines), "rows.json", undefined)).toThrow(
      /rows\.json is JSON lines[\s\S]*mv "rows\.json" data\.jsonl/,
    );
  });
});
