/** Something that happens to a name, awaited by name. */
type NamedEvents = {
  /** It happened now: whoever waits goes on. */
  readonly give: (name: string) => void;
  /** Resolves the next time it happens. */
  readonly next: (name: string) => Promise<void>;
};

export const createNamedEvents = (): NamedEvents => {
  const waiting = new Map<string, (() => void)[]>();
  return {
    give(name) {
      for (const resolve of waiting.get(name) ?? []) resolve();
      waiting.delete(name);
    },
    next: (name) => new Promise((resolve) => waiting.set(name, [...(waiting.get(name) ?? []), resolve])),
  };
};
