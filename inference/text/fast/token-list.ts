/** Tokens of a text while it is encoded. */
export type TokenList = {
  add(ids: readonly number[]): void;
  readonly size: () => number;
  /** The first or the last `length` tokens; the next text overwrites them. */
  take(length: number, direction: "Left" | "Right"): Uint32Array;
  clear(): void;
};

/** A list that grows; one serves all texts of a tokenizer, one after another. */
export const createTokenList = (): TokenList => {
  let tokens = new Uint32Array(1_024);
  let size = 0;
  const grow = (length: number): void => {
    const larger = new Uint32Array(2 * length);
    larger.set(tokens);
    tokens = larger;
  };
  return {
    add: (ids) => {
      if (size + ids.length > tokens.length) grow(size + ids.length);
      // One word has a few tokens: a loop is faster than `set`.
      for (let at = 0; at < ids.length; at++) tokens[size++] = ids[at] ?? 0;
    },
    size: () => size,
    take: (length, direction) =>
      direction === "Right"
        ? tokens.subarray(0, Math.min(length, size))
        : tokens.subarray(Math.max(0, size - length), size),
    clear: () => {
      size = 0;
    },
  };
};
