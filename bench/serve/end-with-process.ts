const ends = new Set<() => void>();
process.on("exit", () => {
  for (const end of ends) end();
});

/** Calls `end` when this process exits, however that happens, until the returned function is called. */
export const endWithProcess = (end: () => void): (() => void) => {
  ends.add(end);
  return () => void ends.delete(end);
};
