/** Collects little-endian numbers as bytes. */
export const createByteWriter = () => {
  let bytes = new Uint8Array(1_024);
  let view = new DataView(bytes.buffer);
  let length = 0;
  /** Makes room first: `view` changes with it. */
  const reserve = (more: number): number => {
    if (length + more > bytes.length) {
      const larger = new Uint8Array(2 * bytes.length + more);
      larger.set(bytes);
      bytes = larger;
      view = new DataView(bytes.buffer);
    }
    const start = length;
    length += more;
    return start;
  };
  return {
    u8: (value: number) => {
      const start = reserve(1);
      view.setUint8(start, value);
    },
    s8: (value: number) => {
      const start = reserve(1);
      view.setInt8(start, value);
    },
    u16: (value: number) => {
      const start = reserve(2);
      view.setUint16(start, value, true);
    },
    s32: (value: number) => {
      const start = reserve(4);
      view.setInt32(start, value, true);
    },
    u32: (value: number) => {
      const start = reserve(4);
      view.setUint32(start, value, true);
    },
    f32: (value: number) => {
      const start = reserve(4);
      view.setFloat32(start, value, true);
    },
    append: (values: Uint8Array) => {
      const start = reserve(values.length);
      bytes.set(values, start);
    },
    length: () => length,
    finish: (): Uint8Array => bytes.slice(0, length),
  };
};
export type ByteWriter = ReturnType<typeof createByteWriter>;
