/** Runs work for each name after that of its dependencies; independent names run at the same time. */
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
