/** Text as it grows, in UTF-8. */
export type ByteWriter = {
  /** Appends bytes `from` to `end` of a source; fastest where three more bytes follow. */
  copy(source: DataView, from: number, end: number): void;
  /** What was written: a view of memory that later writes may leave. */
  readonly bytes: () => Buffer;
};

/** A text's bytes as a source of ByteWriter.copy. */
export type Piece = { readonly view: DataView; readonly length: number };

/** So many bytes behind the last one let a copy end with a whole word. */
export const copyMargin = 3;

export const createPiece = (text: string): Piece => {
  const bytes = Buffer.from(text);
  const padded = new Uint8Array(bytes.length + copyMargin);
  padded.set(bytes);
  return { view: new DataView(padded.buffer), length: bytes.length };
};

/** Appends a piece. */
export const writePiece = (writer: ByteWriter, { view, length }: Piece): void => writer.copy(view, 0, length);

/**
 * Creates a writer that copies four bytes at a time, because most pieces are too short for a call of native code.
 * @param memory where to write first; more than it holds goes to memory of its own
 */
export const createByteWriter = (memory: Buffer): ByteWriter => {
  let buffer = memory;
  let view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let length = 0;

  const grow = (needed: number): void => {
    const larger = Buffer.allocUnsafeSlow(2 * needed);
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
    view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  };

  return {
    copy(source, from, end) {
      const needed = length + end - from + copyMargin;
      if (needed > buffer.length) grow(needed);
      const lastWord = source.byteLength - copyMargin;
      let at = from;
      let to = length;
      for (; at < end && at < lastWord; at += 4, to += 4) view.setInt32(to, source.getInt32(at));
      for (; at < end; at++, to++) view.setUint8(to, source.getUint8(at));
      length += end - from;
    },
    bytes: () => buffer.subarray(0, length),
  };
};
