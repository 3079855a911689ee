/** Runs work for each name after the work for its dependencies; independent names run at the same time. */
export const runInDependencyOrder = async (
  needs: ReadonlyMap<string, readonly string[]>,
  work: (name: string) => Promise<void>,
): Promise<void> => {
  const runs = new Map<string, Promise<void>>();
  const start = (name: string): Promise<void> => {
    const run = runs.get(name) ?? Promise.all((needs.get(name) ?? []).map(start)).then(() => work(name));
    runs.set(name, run);
    return run;
  };
  await Promise.all([...needs.keys()].map(start));
};
