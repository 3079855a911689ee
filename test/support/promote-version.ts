import { fakeBuilderDigest } from "./fake-build.ts";
import type { MemoryWorld } from "./memory-world.ts";
import { fakeDigest, toyModel } from "./toy-model.ts";

/** Brings the model at a commit to prod with the domain's functions, as a delivery would. */
export const promoteVersion = async (world: MemoryWorld, letter: string, version: number, yaml?: string) => {
  const { claims, ledger, serving, time } = world;
  const commit = world.commit(letter, yaml);
  await world.pushes.record({ before: null, after: commit, by: "sam@example.com" });
  const delivery = `delivery-${letter}`;
  const config = {
    digest: fakeDigest(letter),
    memoryMb: 512,
    timeoutSeconds: 30,
    variables: {
      SLIPWAY_MODEL: toyModel,
      SLIPWAY_MODEL_VERSION: String(version),
      SLIPWAY_DIGEST: fakeDigest(letter),
    },
  };
  let last: Awaited<ReturnType<typeof ledger.begin>> | undefined;
  for (const environment of ["stage", "prod"] as const) {
    const target = serving[environment];
    const grant = await claims.take(
      { environment, model: toyModel, delivery, requestedAt: time.now, now: time.now },
      "force",
    );
    if (grant.status !== "granted") throw new Error("a forced claim is granted");
    await target.ensure(toyModel);
    const published = await target.publish(toyModel, {
      ...config,
      variables: { ...config.variables, SLIPWAY_ENVIRONMENT: environment },
    });
    const previous = (await ledger.serving("prod", toyModel))?.sequence ?? 0;
    const entry = await ledger.begin(
      {
        environment,
        model: toyModel,
        delivery,
        commit,
        digest: fakeDigest(letter),
        version,
        functionVersion: published.version,
        fence: grant.fence,
        previous,
        reason: null,
        builder: fakeBuilderDigest,
      },
      time.now,
    );
    const live = await target.live(toyModel);
    await target.route(
      toyModel,
      { version: published.version, description: `fence=${grant.fence} delivery=${delivery}` },
      { expect: live?.revision ?? "absent" },
    );
    last =
      environment === "prod"
        ? await ledger.change(entry, (current) => ({
            ...current,
            status: "promoted",
            promotedAt: time.now,
            championMoved: true,
          }))
        : entry;
  }
  for (const environment of ["stage", "prod"] as const) await claims.release(environment, toyModel, delivery);
  time.now += 1_000;
  if (!last) throw new Error("two environments were served");
  return last;
};
