import { createScratchMemory } from "#model-folder/rows/scan/scratch-memory.ts";
import {
  type ByteWriter,
  copyMargin,
  createByteWriter,
  createPiece,
  type Piece,
  writePiece,
} from "./byte-writer.ts";
import { bandNames, type ScoreColumns } from "./score-columns.ts";

/** Predictions as JSON, written row by row without objects. */
export type ScoreText = {
  /** The scores' names in the order in which JSON has them. */
  readonly scoreNames: readonly string[];
  /** About how many bytes a row takes. */
  readonly rowBytes: number;
  /** Writes what JSON.stringify writes for the row's prediction. */
  writeObject(writer: ByteWriter, row: number): void;
  /**
   * Writes what follows the inputs in a line of packRows: the end of their list, no hash, the label, value and band or null
   * for each, and the list of the scores: `],null,"stay",null,"low",[0.9,0.1]]`.
   */
  writeLineEnd(writer: ByteWriter, row: number): void;
};

/** A JSON number has at most 24 characters. */
const maxNumberLength = 25;

/** All scores as text, one behind the other: number i ends at `ends[i]`. */
const formatNumbers = (numbers: Float32Array | Float64Array): { view: DataView; ends: Int32Array } => {
  const bytes = Buffer.allocUnsafe(numbers.length * maxNumberLength + copyMargin);
  const ends = new Int32Array(numbers.length);
  let end = 0;
  for (let index = 0; index < numbers.length; index++) {
    const text = String(numbers[index]);
    for (let at = 0; at < text.length; at++) bytes[end++] = text.charCodeAt(at);
    ends[index] = end;
  }
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), ends };
};

const comma = createPiece(",");
const listStart = createPiece("[");
const listEnd = createPiece("]");
const lineEnd = createPiece("]]");

type Names = Pick<ScoreColumns, "names" | "labelNames">;

/** The parts of a prediction that are the same for all rows; as few as possible, because each costs a copy. */
const createPieces = ({ names, labelNames }: Names) => {
  // An object has names like 0 and 1 first, in the order of their numbers.
  const scoreNames = Object.keys(Object.fromEntries(names.map((name) => [name, 0])));
  const order = Int32Array.from(scoreNames, (name) => names.indexOf(name));
  const quote = (text: string) => JSON.stringify(text);
  const scores = `"scores":{${scoreNames.slice(0, 1).map(quote).join("")}:`;
  const bands = [...bandNames.map(quote), "null"];
  return {
    scoreNames,
    order,
    labelPrefixes: labelNames.map((label) => createPiece(`{"label":${quote(label)},${scores}`)),
    valuePrefix: createPiece('{"value":'),
    valueMiddle: createPiece(`,${scores}`),
    scoresPrefix: createPiece(`{${scores}`),
    /** Of the second score and those behind it. */
    scoreKeys: scoreNames.map((name) => createPiece(`,${quote(name)}:`)),
    objectEnd: createPiece("}}"),
    bandEnds: bandNames.map((band) => createPiece(`},"band":${quote(band)}}`)),
    /** By label and band, without a band the last. */
    labelLines: labelNames.map((label) =>
      bands.map((band) => createPiece(`],null,${quote(label)},null,${band},[`)),
    ),
    valueLine: createPiece("],null,null,"),
    valueLineMiddle: createPiece(",null,["),
    scoresLine: createPiece("],null,null,null,null,["),
    rowBytes:
      64 +
      Math.max(0, ...labelNames.map((label) => label.length)) +
      scoreNames.reduce((sum, name) => sum + name.length + maxNumberLength, 0),
  };
};

const missing = (): never => {
  throw new RangeError("a prediction has an index without a name");
};

/**
 * Creates the writer of predictions with these names.
 * @returns a function that formats the numbers of a request once, for its answer and for its record
 */
export const createScoreText = (names: Names): ((columns: ScoreColumns) => ScoreText) => {
  const pieces = createPieces(names);
  const { scoreNames, order, scoreKeys, rowBytes } = pieces;
  const width = order.length;
  const isValue = names.labelNames.length === 0 && width === 1;

  const pick = (list: readonly Piece[], index: number | undefined): Piece => list[index ?? -1] ?? missing();

  return ({ scores, labels, bands }) => {
    const { view, ends } = formatNumbers(scores);
    const writeNumber = (writer: ByteWriter, index: number): void =>
      writer.copy(view, index === 0 ? 0 : (ends[index - 1] ?? 0), ends[index] ?? 0);
    return {
      scoreNames,
      rowBytes,
      writeObject(writer, row) {
        const start = row * width;
        if (labels) writePiece(writer, pick(pieces.labelPrefixes, labels[row]));
        else if (isValue) {
          writePiece(writer, pieces.valuePrefix);
          writeNumber(writer, start);
          writePiece(writer, pieces.valueMiddle);
        } else writePiece(writer, pieces.scoresPrefix);
        writeNumber(writer, start + (order[0] ?? 0));
        for (let index = 1; index < width; index++) {
          writePiece(writer, pick(scoreKeys, index));
          writeNumber(writer, start + (order[index] ?? 0));
        }
        writePiece(writer, bands ? pick(pieces.bandEnds, bands[row]) : pieces.objectEnd);
      },
      writeLineEnd(writer, row) {
        const start = row * width;
        if (labels) {
          const lines = pieces.labelLines[labels[row] ?? -1] ?? missing();
          writePiece(writer, pick(lines, bands ? bands[row] : bandNames.length));
        } else if (isValue) {
          writePiece(writer, pieces.valueLine);
          writeNumber(writer, start);
          writePiece(writer, pieces.valueLineMiddle);
        } else writePiece(writer, pieces.scoresLine);
        writeNumber(writer, start + (order[0] ?? 0));
        for (let index = 1; index < width; index++) {
          writePiece(writer, comma);
          writeNumber(writer, start + (order[index] ?? 0));
        }
        writePiece(writer, lineEnd);
      },
    };
  };
};

const takeScratch = createScratchMemory();

/** The predictions as a JSON array. */
export const writePredictions = (text: ScoreText, rows: number): string => {
  const writer = createByteWriter(takeScratch(rows * (text.rowBytes + 1)));
  writePiece(writer, listStart);
  for (let row = 0; row < rows; row++) {
    if (row > 0) writePiece(writer, comma);
    text.writeObject(writer, row);
  }
  writePiece(writer, listEnd);
  return writer.bytes().toString();
};
