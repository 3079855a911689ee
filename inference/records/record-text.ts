import { type ByteWriter, createByteWriter, createPiece, writePiece } from "#inference/model/byte-writer.ts";
import type { PredictedRows } from "#inference/model/predicted-rows.ts";
import type { ScoreText } from "#inference/model/score-text.ts";
import { placesPerRow } from "#model-folder/rows/scan/open-scanner.ts";
import type { RowLayout, RowText, ScannedBody } from "#model-folder/rows/scan/scan-rows.ts";
import type { RowLinesHeader } from "./unpack-rows.ts";

/** The rows of a request's record as text, without objects. */
export type RecordText = {
  /** A JSON array of StoredRow. */
  toJson(): string;
  /** The lines that packRows compresses, in memory of their own; absent where a row would take several lines. */
  readonly toLines?: () => Uint8Array;
};

type Needs = {
  readonly rows: RowText;
  readonly text: ScoreText;
  /** Whether the record has the caller's inputs. */
  readonly withInputs: boolean;
};

const opening = createPiece("[");
const closing = createPiece("]");
const comma = createPiece(",");
const newline = createPiece("\n");
const lineStart = createPiece("\n[[");
const inputsPrefix = createPiece('{"inputs":');
const predictionMiddle = createPiece(',"prediction":');
const predictionPrefix = createPiece('{"prediction":');
const rowEnd = createPiece("}");

/** Writes a row as an object: the inputs are the bytes that the caller sent. */
const createObjectWriter =
  ({ rows: { body, places }, text, withInputs }: Needs) =>
  (writer: ByteWriter, row: number): void => {
    if (withInputs) {
      writePiece(writer, inputsPrefix);
      writer.copy(body, places[placesPerRow * row] ?? 0, places[placesPerRow * row + 1] ?? 0);
      writePiece(writer, predictionMiddle);
    } else writePiece(writer, predictionPrefix);
    text.writeObject(writer, row);
    writePiece(writer, rowEnd);
  };

/** Writes a row as a line with a list, as packRows does; undefined where the rows have not all the same names. */
const createListWriter = ({ rows: { lists, places }, text, withInputs }: Needs) => {
  if (withInputs && !lists) return undefined;
  const findEnd = (row: number): number => (row < 0 ? 0 : (places[placesPerRow * row + 2] ?? 0));
  return (writer: ByteWriter, row: number): void => {
    writePiece(writer, lineStart);
    // Each value has a comma behind it, which the last one loses.
    if (withInputs && lists) writer.copy(lists.values, findEnd(row - 1), findEnd(row) - 1);
    text.writeLineEnd(writer, row);
  };
};

/** Writes a row as a line with an object. */
const createObjectLineWriter =
  (writeObject: (writer: ByteWriter, row: number) => void) =>
  (writer: ByteWriter, row: number): void => {
    writePiece(writer, newline);
    writeObject(writer, row);
  };

/**
 * Writes a record from the request's own bytes and the predictions' columns; undefined for predictions that are objects, and
 * for rows that were scanned without their text.
 */
export const createRecordText = (
  scanned: ScannedBody,
  predicted: PredictedRows,
  withInputs: boolean,
): RecordText | undefined => {
  const { count, text: rows } = scanned;
  if (!predicted.text || !rows) return undefined;
  const text = predicted.text();
  const needs: Needs = { rows, text, withInputs };
  const { body } = rows;
  const expectedRows = count * (text.rowBytes + 32);
  const inputBytes = withInputs ? body.byteLength : 0;
  const writeObject = createObjectWriter(needs);
  const writeList = createListWriter(needs);
  const writeLine = writeList ?? createObjectLineWriter(writeObject);
  const toLines = (): Uint8Array => {
    const layout: RowLayout = writeList && withInputs ? (scanned.layout ?? []) : [];
    const header: RowLinesHeader = { inputs: layout.map(({ name }) => name), scores: [...text.scoreNames] };
    const listBytes = withInputs && rows.lists ? rows.lists.values.byteLength : inputBytes;
    const writer = createByteWriter(Buffer.allocUnsafeSlow(listBytes + expectedRows));
    writePiece(writer, createPiece(JSON.stringify(header)));
    for (let row = 0; row < count; row++) writeLine(writer, row);
    return writer.bytes();
  };
  return {
    toJson() {
      const writer = createByteWriter(Buffer.allocUnsafe(inputBytes + expectedRows));
      writePiece(writer, opening);
      for (let row = 0; row < count; row++) {
        if (row > 0) writePiece(writer, comma);
        writeObject(writer, row);
      }
      writePiece(writer, closing);
      return writer.bytes().toString();
    },
    ...(writeList || !rows.hasLines ? { toLines } : {}),
  };
};
