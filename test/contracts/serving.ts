import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  FunctionFailed,
  type LiveAlias,
  NotServed,
  RevisionConflict,
  type Serving,
  type VersionUpkeep,
} from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";

export type ServingUnderTest = {
  readonly serving: Serving;
  /** A second handle on the same state, as in another process. */
  readonly elsewhere: Serving;
  readonly upkeep: VersionUpkeep;
  /** Two images that exist. */
  readonly digests: readonly [string, string];
  /** A call that the images' function handles, and a call that breaks it. */
  readonly payload: Json;
  readonly breaking: Json;
  /** The function version in the function's own response. */
  readonly versionIn: (response: Json) => string;
  readonly stop: () => Promise<void>;
};

/** The rules of `Serving`, for every implementation. `make` is called once; each test uses its own model. */
export const servingContract = (name: string, make: () => Promise<ServingUnderTest>): void => {
  describe(`serving, ${name}`, () => {
    let under: ServingUnderTest;
    beforeAll(async () => {
      under = await make();
    });
    afterAll(async () => under?.stop());

    const config = (over: { digest?: string; registryVersion?: string } = {}) => ({
      digest: over.digest ?? under.digests[0],
      memoryMb: 256,
      timeoutSeconds: 10,
      variables: { SLIPWAY_MODEL_VERSION: over.registryVersion ?? "1", SLIPWAY_ENVIRONMENT: "stage" },
    });
    const publishTwo = async (model: string) => {
      await under.serving.ensure(model);
      const first = await under.serving.publish(model, config());
      const second = await under.serving.publish(model, config({ registryVersion: "2" }));
      return { first, second };
    };
    const routeFirst = async (model: string, alias?: Partial<LiveAlias>) => {
      const { first, second } = await publishTwo(model);
      const live = await under.serving.route(
        model,
        { version: first.version, description: "fence=1 delivery=a", ...alias },
        { expect: "absent" },
      );
      return { first, second, live };
    };

    test("a function exists after ensure, and a second ensure changes nothing", async () => {
      const once = await under.serving.ensure("ensured");
      const { version } = await under.serving.publish("ensured", config());
      const again = await under.serving.ensure("ensured");

      expect(again).toEqual(once);
      expect(new URL(once.url).pathname).toMatch(/\/models\/ensured$/);
      expect(await under.serving.models()).toContain("ensured");
      expect(await under.serving.version("ensured", version)).toEqual({ version, config: config() });
    });

    test("the same configuration gets the same version, and another configuration gets another version", async () => {
      const { first, second } = await publishTwo("published");
      const again = await under.serving.publish("published", config());
      const reordered = await under.elsewhere.publish("published", {
        ...config(),
        variables: Object.fromEntries(Object.entries(config().variables).reverse()),
      });
      const otherImage = await under.serving.publish("published", config({ digest: under.digests[1] }));

      expect(again).toEqual(first);
      expect(reordered).toEqual(first);
      expect(new Set([first.version, second.version, otherImage.version]).size).toBe(3);
      expect(await under.serving.version("published", second.version)).toEqual(second);
    });

    test("concurrent publications of the same configuration get one version", async () => {
      await under.serving.ensure("at-once");
      const versions = await Promise.all(
        [under.serving, under.elsewhere, under.serving, under.elsewhere].map((serving) =>
          serving.publish("at-once", config()),
        ),
      );

      expect(new Set(versions.map(({ version }) => version)).size).toBe(1);
    });

    test("publish fails for a model without a function and for a missing image", async () => {
      await under.serving.ensure("no-image");
      const missing = `sha256:${"0".repeat(64)}`;

      await expect(under.serving.publish("no-function", config())).rejects.toThrow(NotServed);
      await expect(under.serving.publish("no-image", config({ digest: missing }))).rejects.toThrow(NotServed);
      expect(await under.serving.version("no-image", "1")).toBeUndefined();
    });

    test("a published version gets no traffic until it is routed", async () => {
      const { first } = await publishTwo("quiet");

      expect(await under.serving.live("quiet")).toBeUndefined();
      await expect(under.serving.invoke("quiet", "live", under.payload)).rejects.toThrow(NotServed);
      const direct = await under.serving.invoke("quiet", { version: first.version }, under.payload);
      expect(under.versionIn(direct.payload)).toBe(first.version);
    });

    test("a version without traffic is woken, and only one that exists", async () => {
      const { first } = await publishTwo("woken");

      expect(["awake", "waking", "never sleeps"]).toContain(await under.upkeep.wake("woken", first.version));
      await expect(under.upkeep.wake("woken", "999")).rejects.toThrow(NotServed);
      await expect(under.upkeep.wake("no-function", "1")).rejects.toThrow(NotServed);
      expect(await under.serving.live("woken")).toBeUndefined();
      expect(await under.upkeep.models()).toContain("woken");
    });

    test("the alias reads back as it was written, with a new revision", async () => {
      const { first, second, live } = await routeFirst("read-back");
      const moved = await under.serving.route(
        "read-back",
        { version: first.version, canary: { version: second.version, weight: 0.1 }, description: "fence=2" },
        { expect: live.revision },
      );

      expect(moved).toMatchObject({
        canary: { version: second.version, weight: 0.1 },
        description: "fence=2",
      });
      expect(moved.revision).not.toBe(live.revision);
      expect(await under.elsewhere.live("read-back")).toEqual(moved);
    });

    test("a writer with an older revision is refused and changes nothing", async () => {
      const { second, live } = await routeFirst("raced");
      const alias = { version: second.version, description: "fence=2 delivery=b" };
      const theirs = await under.elsewhere.route("raced", alias, { expect: live.revision });

      const late = under.serving.route("raced", { ...alias, description: "late" }, { expect: live.revision });
      await expect(late).rejects.toThrow(RevisionConflict);
      const blind = under.serving.route("raced", { ...alias, description: "blind" }, { expect: "absent" });
      await expect(blind).rejects.toThrow(RevisionConflict);
      await expect(under.serving.unroute("raced", { expect: live.revision })).rejects.toThrow(
        RevisionConflict,
      );
      expect(await under.serving.live("raced")).toEqual(theirs);
    });

    test("exactly one of several writers with one revision succeeds", async () => {
      const { second, live } = await routeFirst("crowd");
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) =>
          (index % 2 ? under.serving : under.elsewhere).route(
            "crowd",
            { version: second.version, description: `writer ${index}` },
            { expect: live.revision },
          ),
        ),
      );

      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const result of results)
        if (result.status === "rejected") expect(result.reason).toBeInstanceOf(RevisionConflict);
    });

    test("a revision is never used again, even after the alias was removed", async () => {
      const { first, live } = await routeFirst("again");
      await under.serving.unroute("again", { expect: live.revision });
      expect(await under.serving.live("again")).toBeUndefined();
      const anew = await under.serving.route(
        "again",
        { version: first.version, description: "back" },
        { expect: "absent" },
      );

      expect(anew.revision).not.toBe(live.revision);
      await expect(under.serving.unroute("again", { expect: live.revision })).rejects.toThrow(
        RevisionConflict,
      );
    });

    test("an alias cannot point to a missing version", async () => {
      const { first, live } = await routeFirst("dangling");
      const canary = { version: "999", weight: 0.5 };

      for (const alias of [{ version: "999" }, { version: first.version, canary }])
        await expect(
          under.serving.route("dangling", { ...alias, description: "" }, { expect: live.revision }),
        ).rejects.toThrow(NotServed);
      expect(await under.serving.live("dangling")).toEqual(live);
    });

    test("a weight of 0 sends no request to the canary, and a weight of 1 sends all", async () => {
      const { first, second, live } = await routeFirst("weights");
      const invokeAt = async (weight: number, expectRevision: string) => {
        const canary = { version: second.version, weight };
        const alias = { version: first.version, canary, description: "" };
        const { revision } = await under.serving.route("weights", alias, { expect: expectRevision });
        const seen = new Set<string>();
        for (let call = 0; call < 10; call++) {
          const { version, payload } = await under.serving.invoke("weights", "live", under.payload);
          expect(under.versionIn(payload)).toBe(version);
          seen.add(version);
        }
        return { revision, seen: [...seen] };
      };

      const none = await invokeAt(0, live.revision);
      const all = await invokeAt(1, none.revision);

      expect(none.seen).toEqual([first.version]);
      expect(all.seen).toEqual([second.version]);
    });

    test("another process's change of the alias takes effect at the next call", async () => {
      const { first, second, live } = await routeFirst("elsewhere");
      const before = await under.serving.invoke("elsewhere", "live", under.payload);
      await under.elsewhere.route(
        "elsewhere",
        { version: second.version, description: "" },
        { expect: live.revision },
      );
      const after = await under.serving.invoke("elsewhere", "live", under.payload);

      expect([before.version, after.version]).toEqual([first.version, second.version]);
    });

    test("a function that breaks fails only that call, and the next call succeeds", async () => {
      const { first } = await routeFirst("breaks");

      await expect(under.serving.invoke("breaks", "live", under.breaking)).rejects.toThrow(FunctionFailed);
      const next = await under.serving.invoke("breaks", "live", under.payload);
      expect(under.versionIn(next.payload)).toBe(first.version);
      expect(next.durationMs).toBeGreaterThan(0);
    });

    test("a missing version cannot be invoked", async () => {
      await publishTwo("absent");
      await expect(under.serving.invoke("absent", { version: "999" }, under.payload)).rejects.toThrow(
        NotServed,
      );
    });

    test("a retired model is removed, other models stay, and it can be created again", async () => {
      const { live } = await routeFirst("retired");
      await publishTwo("retired-not");
      await under.serving.retire("retired");
      await under.serving.retire("retired");

      expect(await under.serving.live("retired")).toBeUndefined();
      expect(await under.serving.version("retired", live.version)).toBeUndefined();
      const models = await under.serving.models();
      expect(models).toContain("retired-not");
      expect(models).not.toContain("retired");
      await expect(under.serving.publish("retired", config())).rejects.toThrow(NotServed);

      await under.serving.ensure("retired");
      const { version } = await under.serving.publish("retired", config({ registryVersion: "7" }));
      const response = await under.serving.invoke("retired", { version }, under.payload);
      expect(under.versionIn(response.payload)).toBe(version);
    });

    test("a recreated function has none of its versions: invoking one is NotServed, publishing its image serves it", async () => {
      const { first, second } = await routeFirst("anew");
      await under.serving.retire("anew");
      await under.serving.ensure("anew");
      const described = { description: "fence=2 delivery=b" };
      for (const { version } of [first, second]) {
        expect(await under.serving.version("anew", version)).toBeUndefined();
        await expect(
          under.serving.route("anew", { version, ...described }, { expect: "absent" }),
        ).rejects.toThrow(NotServed);
      }
      const { version } = await under.serving.publish("anew", second.config);
      await under.serving.route("anew", { version, ...described }, { expect: "absent" });
      const response = await under.serving.invoke("anew", "live", under.payload);
      expect(under.versionIn(response.payload)).toBe(version);
    });
  });
};
