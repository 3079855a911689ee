import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { CsvOptions } from "./read-csv-table.ts";
import { readTable } from "./read-table.ts";

const read = (content: string | Uint8Array, options: CsvOptions = {}) =>
  readTable(typeof content === "string" ? new TextEncoder().encode(content) : content, "data.csv", options);
const columnsOf = async (content: string | Uint8Array, options: CsvOptions = {}) =>
  Object.fromEntries((await read(content, options)).columns);
const utf16 = (text: string, mark: boolean) => Buffer.from(`${mark ? "\ufeff" : ""}${text}`, "utf16le");
const latin1 = (text: string) => Buffer.from(text, "latin1");

describe("what is between the columns is found in the file, and said", () => {
  test.each([
    [";", "semicolons"],
    ["\t", "tabs"],
    ["|", "vertical bars"],
  ])("%j", async (delimiter, name) => {
    const table = await read(`a,${delimiter}b\n1${delimiter}x,y\n`.replace("a,", "a"));
    expect(Object.fromEntries(table.columns)).toEqual({ a: ["1"], b: ["x,y"] });
    expect(table.notes).toEqual([`Read data.csv with ${name} between its columns and decimal points.`]);
  });

  test("a table that two delimiters fit is a question, which the target or --delimiter answers", async () => {
    const both = "a,b;c\nx,y;3\n";
    await expect(read(both)).rejects.toThrow("--delimiter comma or --delimiter semicolon");
    expect(await columnsOf(both, { named: ["c"] })).toEqual({ "a,b": ["x,y"], c: ["3"] });
    expect(await columnsOf(both, { delimiter: "," })).toEqual({ a: ["x"], "b;c": ["y;3"] });
  });

  test("a table with commas needs no note", async () => expect((await read("a,b\n1,2\n")).notes).toEqual([]));
});

describe("the decimal mark of a table without commas between its columns", () => {
  test("is the comma where no number has a point; text with commas stays as it is", async () => {
    const table = await read("city;score;note\nOslo;0,1826;1,5 kg\nRome;-1;none\n");
    expect(Object.fromEntries(table.columns)).toEqual({
      city: ["Oslo", "Rome"],
      score: ["0.1826", "-1"],
      note: ["1,5 kg", "none"],
    });
    expect(table.notes).toEqual(["Read data.csv with semicolons between its columns and decimal commas."]);
  });

  test.each([
    ["both marks", "a;b\n0,5;0.5\n"],
    ["commas that may be thousands", "a;b\n1,234;x\n"],
    ["points that may be thousands", "a;b\n1.234;x\n"],
  ])("is a question: %s", (_, csv) => expect(read(csv)).rejects.toThrow('--decimal "," or --decimal "."'));

  test("is what --decimal says", async () => {
    expect(await columnsOf("a;b\n1,234;x\n", { decimal: "," })).toEqual({ a: ["1.234"], b: ["x"] });
    expect(await columnsOf('a,b\n"0,5",x\n', { decimal: "," })).toEqual({ a: ["0.5"], b: ["x"] });
  });
});

describe("a blank after the delimiter", () => {
  test("is no part of a name, unless the graph has that name or quotes keep it apart", async () => {
    const table = await read("city, age, y\nOslo,76,1\n");
    expect([...table.columns.keys()]).toEqual(["city", "age", "y"]);
    expect(table.notes).toEqual(["Names without the blanks around them: age, y."]);
    expect(Object.keys(await columnsOf("city, age\nOslo,76\n", { exactNames: [" age"] }))).toEqual([
      "city",
      " age",
    ]);
    expect(Object.keys(await columnsOf('city," age"\nOslo,76\n'))).toEqual(["city", " age"]);
  });

  test("is no part of numbers, and of text only where the graph holds the text with it", async () => {
    const csv = "a, b, c\n1, 2, Oslo\n3, 4, Rome\n";
    expect(await columnsOf(csv)).toEqual({ a: ["1", "3"], b: ["2", "4"], c: ["Oslo", "Rome"] });
    expect(await columnsOf(csv, { isStored: (text) => text === " Oslo" })).toMatchObject({
      c: [" Oslo", " Rome"],
    });
  });

  test("stays where only some cells have one", async () => {
    expect(await columnsOf("a,b\n1, x \n2,y\n")).toEqual({ a: ["1", "2"], b: [" x ", "y"] });
  });
});

describe("the encoding", () => {
  test("is known by the byte order mark", async () => {
    expect(await columnsOf(utf16("città,y\nZürich,1\n", true))).toEqual({ città: ["Zürich"], y: ["1"] });
    expect((await read(utf16("a,b\n1,2\n", true))).notes[0]).toContain("UTF-16 (little endian)");
  });

  test.each([
    ["shift_jis", [0x94, 0x4e, 0x97, 0xee], "年齢"],
    ["gb18030", [0xc4, 0xea, 0xc1, 0xe4], "年龄"],
    ["windows-1251", [0xe3, 0xee, 0xe4], "год"],
  ] as const)("may be %s", async (encoding, bytes, name) =>
    expect(
      await columnsOf(Buffer.concat([Buffer.from(bytes), Buffer.from(",b\n1,2\n")]), { encoding }),
    ).toEqual({ [name]: ["1"], b: ["2"] }),
  );

  test("is a question without one, which shows the text and is answered by --encoding", async () => {
    const table = latin1("city,y\nOslo,0\nZürich,1\n");
    await expect(read(table)).rejects.toThrow('line 3 has, read as Windows-1252, "Zürich,1"');
    await expect(read(table)).rejects.toThrow("--encoding windows-1252");
    expect(await columnsOf(table, { encoding: "windows-1252" })).toMatchObject({ city: ["Oslo", "Zürich"] });
    expect(await columnsOf(latin1("a,b\n\u0080,1\n"), { encoding: "windows-1252" })).toMatchObject({
      a: ["€"],
    });
    expect(await columnsOf(latin1("a,b\n\u0080,1\n"), { encoding: "latin1" })).toMatchObject({
      a: ["\u0080"],
    });
    await expect(read(utf16("a,b\n1,2\n", false))).rejects.toThrow("--encoding utf-16le");
    expect(await columnsOf(utf16("a,b\n1,2\n", false), { encoding: "utf-16le" })).toEqual({
      a: ["1"],
      b: ["2"],
    });
    await expect(read(table, { encoding: "utf-8" })).rejects.toThrow(
      "is not UTF-8 text. Choose another --encoding",
    );
  });
});

describe("Parquet", () => {
  const file = (name: string) =>
    readFileSync(new URL(`../../test/support/tables/${name}.parquet`, import.meta.url));

  test("has all digits of integers, missing values, flags, categories and dates; pandas' index is left out", async () => {
    const table = await read(file("customers"));
    expect(Object.fromEntries(table.columns)).toEqual({
      id: ["1835849871777350123", "-9223372036854775808", "7"],
      年齢: ["63.0", "56.5", ""],
      active: ["true", "false", ""],
      city: ["Zürich", "Rome", "Zürich"],
      since: Array(3).fill("2026-01-02T03:04:05.000Z"),
    });
    expect(table.notes).toEqual(["Read data.csv as Parquet.", "Left out pandas' index: __index_level_0__."]);
  });

  test("with nested columns, or cut off, is refused", async () => {
    await expect(read(file("nested"))).rejects.toThrow("nested column (x)");
    await expect(read(file("customers").subarray(0, 500))).rejects.toThrow("cannot be read as Parquet");
  });
});
