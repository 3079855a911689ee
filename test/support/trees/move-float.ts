const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** The 32-bit float that is `steps` floats away; an infinite value stays. */
export const moveFloat = (value: number, steps: -1 | 0 | 1): number => {
  if (steps === 0 || !Number.isFinite(value)) return value;
  if (value === 0) return steps * 2 ** -149;
  float[0] = value;
  bits[0] = (bits[0] ?? 0) + (value > 0 ? steps : -steps);
  return float[0] ?? 0;
};
