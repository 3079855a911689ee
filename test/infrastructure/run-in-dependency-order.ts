/** Does something for each name once it is done for all that it needs; what does not wait for each other goes on at once. */
export const runInDependencyOrder = async (
  needs: ReadonlyMap<string, readonly string[]>,
  work: (name: string) => Promise<void>,
): Promise<void> => {
  const started = new Map<string, Promise<void>>();
  const start = (name: string): Promise<void> => {
    const running =
      started.get(name) ?? Promise.all((needs.get(name) ?? []).map(start)).then(() => work(name));
    started.set(name, running);
    return running;
  };
  await Promise.all([...needs.keys()].map(start));
};
