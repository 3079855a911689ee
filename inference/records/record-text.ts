import { type ByteWriter, createByteWriter, createPiece, writePiece } from "#inference/model/byte-writer.ts";
import type { PredictedRows } from "#inference/model/predicted-rows.ts";
import type { ScoreText } from "#inference/model/score-text.ts";
import type { ScannedRows } from "#model-folder/rows/scan/scan-rows.ts";
import type { RowLinesHeader } from "./unpack-rows.ts";

/** The rows of a request's record as text, without objects. */
export type RecordText = {
  /** A JSON array of StoredRow. */
  toJson(): string;
  /** The lines that packRows compresses; absent where a row would take several lines. */
  readonly toLines?: () => Uint8Array;
};

type Needs = {
  readonly scanned: ScannedRows;
  readonly text: ScoreText;
  /** Whether the record has the caller's inputs. */
  readonly withInputs: boolean;
};

const opening = createPiece("[");
const closing = createPiece("]");
const comma = createPiece(",");
const newline = createPiece("\n");
const noHash = createPiece(",null,");
const noInputs = createPiece("[[]");
const inputsPrefix = createPiece('{"inputs":');
const predictionMiddle = createPiece(',"prediction":');
const predictionPrefix = createPiece('{"prediction":');
const rowEnd = createPiece("}");

/** Writes a row as an object: the inputs are the bytes that the caller sent. */
const createObjectWriter =
  ({ scanned: { body, places }, text, withInputs }: Needs) =>
  (writer: ByteWriter, row: number): void => {
    if (withInputs) {
      writePiece(writer, inputsPrefix);
      writer.copy(body, places[2 * row] ?? 0, places[2 * row + 1] ?? 0);
      writePiece(writer, predictionMiddle);
    } else writePiece(writer, predictionPrefix);
    text.writeObject(writer, row);
    writePiece(writer, rowEnd);
  };

/** Writes a row as a list, as in packRows: inputs, hash, label, value, band, scores. */
const createListWriter = ({ scanned: { lists }, text, withInputs }: Needs) => {
  if (withInputs && !lists) return undefined;
  return (writer: ByteWriter, row: number): void => {
    if (withInputs && lists) {
      writePiece(writer, opening);
      writePiece(writer, opening);
      // Each value has a comma behind it, which the last one loses.
      writer.copy(lists.values, row === 0 ? 0 : (lists.ends[row - 1] ?? 0), (lists.ends[row] ?? 0) - 1);
      writePiece(writer, closing);
    } else writePiece(writer, noInputs);
    writePiece(writer, noHash);
    text.writeList(writer, row);
    writePiece(writer, closing);
  };
};

/** Writes a record from the request's own bytes and the predictions' columns; undefined for predictions that are objects. */
export const createRecordText = (
  scanned: ScannedRows,
  predicted: PredictedRows,
  withInputs: boolean,
): RecordText | undefined => {
  if (!predicted.text) return undefined;
  const text = predicted.text();
  const needs: Needs = { scanned, text, withInputs };
  const { count, body } = scanned;
  const expected = count * (text.rowBytes + 64) + (withInputs ? body.byteLength : 0);
  const writeObject = createObjectWriter(needs);
  const writeList = createListWriter(needs);
  const toLines = (): Uint8Array => {
    const names = writeList && withInputs ? (scanned.lists?.names ?? []) : [];
    const header: RowLinesHeader = { inputs: [...names], scores: [...text.scoreNames] };
    const writer = createByteWriter(expected);
    writePiece(writer, createPiece(JSON.stringify(header)));
    for (let row = 0; row < count; row++) {
      writePiece(writer, newline);
      (writeList ?? writeObject)(writer, row);
    }
    return writer.bytes();
  };
  return {
    toJson() {
      const writer = createByteWriter(expected);
      writePiece(writer, opening);
      for (let row = 0; row < count; row++) {
        if (row > 0) writePiece(writer, comma);
        writeObject(writer, row);
      }
      writePiece(writer, closing);
      return writer.bytes().toString();
    },
    ...(writeList || !scanned.hasLines ? { toLines } : {}),
  };
};
