/** The first elements of a block of numbers, as a view of them. */
export type PrefixView = (length: number) => Float32Array;

/**
 * Keeps the last view: requests of as many rows follow each other, and making a view takes as long as a tree of the kernel.
 * @param block memory that stays where it is
 */
export const createPrefixView = (block: Float32Array): PrefixView => {
  let view = block.subarray(0, 0);
  return (length) => {
    if (view.length !== length) view = block.subarray(0, length);
    return view;
  };
};
