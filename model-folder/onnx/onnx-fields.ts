import { PbfReader, PbfWriter } from "pbf";
import { ModelUnreadable } from "./model-unreadable.ts";

/** A field of a protobuf message: `start` is the byte of its tag, `value` the byte of its value, `end` the byte after it. */
export type MessageField = {
  readonly field: number;
  readonly isMessage: boolean;
  readonly start: number;
  readonly value: number;
  readonly end: number;
};

/** Parts of a file, to be joined in this order; unchanged parts are views of the old file. */
export type Chunks = readonly Uint8Array[];

const maxFields = 2_000_000;
const wireTypes = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 };
const refuseBroken = (): never => {
  throw new ModelUnreadable("the file is not an ONNX model, or is truncated");
};

/** Moves over a value and returns where its content starts. */
const skipValue = (pbf: PbfReader, wireType: number): number => {
  const start = pbf.pos;
  switch (wireType) {
    case wireTypes.varint:
      pbf.readVarint();
      return start;
    case wireTypes.fixed64:
      pbf.pos += 8;
      return start;
    case wireTypes.fixed32:
      pbf.pos += 4;
      return start;
    case wireTypes.lengthDelimited: {
      const length = pbf.readVarint();
      const content = pbf.pos;
      pbf.pos += length;
      return content;
    }
    default:
      return refuseBroken();
  }
};

/** Lists the fields of a message without reading their values. Throws ModelUnreadable for anything but whole fields. */
export const listFields = (bytes: Uint8Array, start = 0, end = bytes.length): readonly MessageField[] => {
  const pbf = new PbfReader(bytes);
  const fields: MessageField[] = [];
  pbf.pos = start;
  try {
    while (pbf.pos < end) {
      const at = pbf.pos;
      const tag = pbf.readVarint();
      const wireType = tag % 8;
      const value = skipValue(pbf, wireType);
      const isMessage = wireType === wireTypes.lengthDelimited;
      if (!(pbf.pos <= end) || tag < 8) refuseBroken();
      if (fields.push({ field: Math.floor(tag / 8), isMessage, start: at, value, end: pbf.pos }) > maxFields)
        throw new ModelUnreadable(`a message of the model has more than ${maxFields} fields`);
    }
  } catch (error) {
    // The reader's own errors (a long varint, an end outside the file) all mean an invalid file.
    if (error instanceof ModelUnreadable) throw error;
    return refuseBroken();
  }
  return pbf.pos === end ? fields : refuseBroken();
};

/** Counts the bytes of chunks. */
const countBytes = (chunks: Chunks): number => chunks.reduce((sum, { length }) => sum + length, 0);

/** Writes a field of type message, string or bytes. */
export const writeField = (field: number, content: Chunks): Chunks => {
  const pbf = new PbfWriter(new Uint8Array(16));
  pbf.writeVarint(field * 8 + wireTypes.lengthDelimited);
  pbf.writeVarint(countBytes(content));
  return [pbf.finish(), ...content];
};

/** Writes a field with a number from 0. */
export const writeNumber = (field: number, value: number): Chunks => {
  const pbf = new PbfWriter(new Uint8Array(16));
  pbf.writeVarint(field * 8 + wireTypes.varint);
  pbf.writeVarint(value);
  return [pbf.finish()];
};

/**
 * Replaces fields of a message (with nothing: removes them). All other bytes stay as they are, fields that nobody knows and
 * long forms of numbers included.
 */
export const replaceFields = (
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  replacements: ReadonlyMap<MessageField, Chunks>,
): Chunks => {
  const chunks: Uint8Array[] = [];
  let kept = start;
  for (const [field, replacement] of [...replacements].sort(([one], [other]) => one.start - other.start)) {
    if (field.start > kept) chunks.push(bytes.subarray(kept, field.start));
    chunks.push(...replacement);
    kept = field.end;
  }
  if (end > kept) chunks.push(bytes.subarray(kept, end));
  return chunks;
};

/** Joins chunks into one file. */
export const joinChunks = (chunks: Chunks): Uint8Array => {
  const joined = new Uint8Array(countBytes(chunks));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
};
