/** What is larger is not kept: a body of the usual limit fits. */
const maxKeptBytes = 8 * 1_024 * 1_024;

/**
 * Memory that one user after the other writes to and copies from, before anything else runs. Fresh memory of this size for
 * each request would make V8 collect garbage on each request.
 */
export const createScratchMemory = (): ((bytes: number) => Buffer) => {
  let kept = Buffer.alloc(0);
  return (bytes) => {
    if (bytes <= kept.length) return kept;
    const memory = Buffer.allocUnsafeSlow(bytes);
    if (bytes <= maxKeptBytes) kept = memory;
    return memory;
  };
};
