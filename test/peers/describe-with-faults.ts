import { afterAll, beforeAll, describe, expect } from "vitest";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { type Moto, motoClientConfig, startMoto } from "./moto.ts";
import { requirePython } from "./python-environment.ts";

/** Client configurations of a suite: calls by `config` may get faults, calls by `direct` never do. */
export type MotoPeer = {
  config(): ReturnType<typeof motoClientConfig> & { readonly retryStrategy: typeof quickRetries };
  direct(): ReturnType<typeof motoClientConfig>;
  proxy(): FaultProxy;
  moto(): Moto;
};

const isRetryable = (type: string) =>
  type === "TRANSIENT" || type === "THROTTLING" || type === "SERVER_ERROR";

/** The SDK's three attempts without its pauses, which are for a remote service. */
const quickRetries = {
  acquireInitialRetryToken: async () => createRetryToken(0),
  refreshRetryTokenForRetry: async (
    token: { getRetryCount(): number },
    { errorType }: { readonly errorType: string },
  ) => {
    if (token.getRetryCount() >= 2 || !isRetryable(errorType)) throw new Error("no attempts left");
    return createRetryToken(token.getRetryCount() + 1);
  },
  recordSuccess: () => undefined,
};
const createRetryToken = (count: number) => ({
  getRetryCount: () => count,
  getRetryDelay: () => 1 + count * 4,
});

const fixedSeed = 20_261_121;

/**
 * Runs the same suites against moto twice: without faults, and with 8 % of the calls throttled, failed, cut off or
 * without a response, drawn from a seed (set `SLIPWAY_SEED` for another). Both use one moto.
 */
export const describeWithFaults = (
  title: string,
  suites: (peer: MotoPeer, name: string) => void,
  env: () => Promise<Readonly<Record<string, string>>> = async () => ({}),
): void => {
  const { skip } = requirePython(`${title} on moto`);
  describe.skipIf(skip)(title, () => {
    let moto: Moto;
    beforeAll(async () => {
      moto = await startMoto(await env());
    });
    afterAll(() => moto?.stop());
    for (const share of [0, 0.08]) {
      describe(share === 0 ? "without faults" : `with ${share * 100} % faults`, () => {
        let proxy: FaultProxy;
        beforeAll(async () => {
          const seed = Number(process.env.SLIPWAY_SEED ?? fixedSeed);
          proxy = await startFaultProxy({ target: moto.endpoint, share, seed });
        });
        afterAll(async () => {
          await proxy?.stop();
          const count = [...(proxy?.injected.values() ?? [])].reduce((sum, each) => sum + each, 0);
          if (share > 0) expect(count).toBeGreaterThan(0);
        });
        suites(
          {
            config: () => ({ ...motoClientConfig(proxy.endpoint), retryStrategy: quickRetries }),
            direct: () => motoClientConfig(moto.endpoint),
            proxy: () => proxy,
            moto: () => moto,
          },
          share === 0 ? "moto" : "moto with faults",
        );
      });
    }
  });
};
