import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";

/** The process is dead: none of its later calls has an effect. */
class Killed extends Error {
  override readonly name = "Killed";
}

type Process = { readonly name: string; readonly killAt: number; moments: number; dead: boolean };

/**
 * Runs processes beside each other in an order that a seed decides. Every call of a wrapped capability has two moments,
 * before it and after its effect. At each the process waits for its turn, and may die: so a write may happen whose
 * response never arrives.
 * @param random numbers in [0, 1)
 */
export const createSeededScheduler = (random: () => number) => {
  const current = new AsyncLocalStorage<Process>();
  const waiting: { readonly process: Process; readonly go: () => void }[] = [];
  const calls = new Set<Promise<unknown>>();
  const log: string[] = [];
  let running = 0;

  const takeTurn = async (process: Process, what: string): Promise<void> => {
    if (!process.dead) await new Promise<void>((go) => waiting.push({ process, go }));
    if (!process.dead && process.moments++ === process.killAt) {
      process.dead = true;
      log.push(`${process.name} dies ${what}`);
    }
    if (process.dead) throw new Killed(`${process.name} is dead`);
  };

  /** Lets one or two waiting calls go on, until all processes have ended. */
  const drive = async (): Promise<void> => {
    while (running > 0) {
      await Promise.allSettled(calls);
      // What lies between two calls needs no other process, so a few turns bring each process to its next call.
      for (let turn = 0; turn < 3; turn++) await nextTurn();
      for (let count = random() < 0.2 ? 2 : 1; count > 0 && waiting.length > 0; count--)
        waiting.splice(Math.floor(random() * waiting.length), 1)[0]?.go();
    }
  };

  return {
    log,
    /** Calls outside a process go through at once. */
    wrap: <Capability extends object>(name: string, capability: Capability): Capability =>
      new Proxy(capability, {
        get: (target, key, receiver) => {
          const method: unknown = Reflect.get(target, key, receiver);
          if (typeof method !== "function") return method;
          return async (...args: unknown[]) => {
            const process = current.getStore();
            if (!process) return Reflect.apply(method, target, args);
            const what = `${name}.${String(key)}`;
            await takeTurn(process, `before ${what}`);
            const call = Promise.resolve(Reflect.apply(method, target, args));
            calls.add(call);
            const result: unknown = await call.finally(() => calls.delete(call));
            await takeTurn(process, `after ${what}`);
            return result;
          };
        },
      }),
    /**
     * Starts a process. The result is undefined if it died.
     * @param killAt its moment, from 0; Infinity: it lives
     */
    start: async <T>(name: string, killAt: number, work: () => Promise<T>): Promise<T | undefined> => {
      const process: Process = { name, killAt, moments: 0, dead: false };
      running++;
      try {
        return await current.run(process, work);
      } catch (error) {
        if (!process.dead) throw error;
        return undefined;
      } finally {
        running--;
      }
    },
    drive,
  };
};
