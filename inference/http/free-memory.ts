/**
 * Frees the memory of bytes that nobody reads or writes any more, if it is theirs alone. Left to the garbage collector, the
 * megabytes of each large body and its chunks would make V8 mark the whole heap: 100 ms of processor time in `slipway serve`.
 */
export const freeMemory = ({ buffer, byteLength }: Uint8Array): void => {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
};
