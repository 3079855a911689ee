import { describe, expect, test } from "vitest";
import { loadRules, readCommittedGolden, readCommittedModel } from "#domain/delivery/read-committed-model.ts";
import { restoreEnvironment } from "#domain/rollback/restore-environment.ts";
import { claimEnvironment } from "#lambdas/claim-environment/claim-environment.ts";
import { assertModel } from "#model-check/check-model.ts";
import { hostileFiles, hostilePolicies, replaceChurnFile } from "#test/support/hostile-files.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { fakeCommit, toyModel } from "#test/support/toy-model.ts";
import { countResponsesDuring } from "./count-responses-during.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a model's folder that takes too long to read", () => {
  test.each(hostileFiles)(
    "%s in %s: refused by name, and this process responds meanwhile",
    async (_, file, content) => {
      const folder = replaceChurnFile(file, content());
      const { answered, error } = await countResponsesDuring(() => assertModel(folder));
      expect(error).toMatchObject({ name: "ManifestInvalid", message: expect.stringContaining(file) });
      // A process that reads the file itself responds once or never.
      expect(answered).toBeGreaterThan(4);
    },
  );
});

describe("ClaimStage, before the build,", () => {
  const claim = async (put: (world: MemoryWorld, commit: string) => unknown) => {
    const world = createMemoryWorld();
    try {
      await promoteVersion(world, "a", 1);
      const commit = world.commit("b");
      await put(world, commit);
      const result = await claimEnvironment(world)({
        delivery: "hostile",
        model: toyModel,
        commit,
        environment: "stage",
        requestedAt: world.time.now,
        pusher: "sam@example.com",
      }).catch((error: unknown) => error);
      return { result, holder: (await world.claims.read("stage", toyModel))?.holder ?? null };
    } finally {
      await world.close();
    }
  };

  test.each(hostileFiles.filter(([, file]) => file === "model.yaml"))(
    "ends with ManifestInvalid and claims nothing for %s in %s",
    async (_, file, content) => {
      const { result, holder } = await claim(({ commits }, commit) =>
        commits.get(commit)?.set(file, bytes(content())),
      );
      expect(result).toMatchObject({
        name: "ManifestInvalid",
        message: expect.stringMatching(/^model\.yaml:/),
      });
      expect(holder).toBeNull();
    },
  );

  test.each(hostilePolicies)(
    "ends with PolicyInvalid and takes no claim for %s in policy.yaml",
    async (_, content) => {
      const { result, holder } = await claim(({ policies }, commit) => policies.set(commit, content()));
      expect(result).toMatchObject({
        name: "PolicyInvalid",
        message: expect.stringContaining("policy.yaml"),
      });
      expect(holder).toBeNull();
    },
  );
});

describe("a version that was promoted before a rule", () => {
  test("today's limits refuse its folder in a delivery, but not in a rollback to it or as the champion of another delivery", async () => {
    const world = createMemoryWorld();
    try {
      const first = await promoteVersion(world, "a", 1);
      const files = world.commits.get(fakeCommit("a"));
      const pad = (file: string, padding: string) =>
        files?.set(file, bytes(new TextDecoder().decode(files.get(file)) + padding));
      pad("model.yaml", `\n#${"x".repeat(300_000)}`);
      pad("golden.json", " ".repeat(17 * 1_024 * 1_024));
      await promoteVersion(world, "b", 2);
      for (const file of ["model.yaml", "golden.json"]) {
        const otherFiles = new Map([...(files ?? [])]);
        const { source } = world;
        otherFiles.set(
          file === "model.yaml" ? "golden.json" : "model.yaml",
          world.commits.get(fakeCommit("b"))?.get(file === "model.yaml" ? "golden.json" : "model.yaml") ??
            bytes(""),
        );
        const modelFiles = async () => otherFiles;
        await expect(
          readCommittedModel({ source: { ...source, modelFiles } })(toyModel, fakeCommit("a")),
        ).rejects.toMatchObject({ name: "ManifestInvalid", message: expect.stringContaining(`${file}`) });
      }
      expect((await loadRules(world)(toyModel, fakeCommit("b"), fakeCommit("a"))).champion).toMatchObject({
        name: toyModel,
      });
      expect(
        (await readCommittedGolden(world)(toyModel, fakeCommit("a"), { promoted: true })).rows,
      ).toHaveLength(2);
      await expect(readCommittedGolden(world)(toyModel, fakeCommit("a"))).rejects.toThrow("model.yaml");
      const writer = { model: toyModel, delivery: "d", fence: 50 };
      expect(await restoreEnvironment(world)("prod", writer, first)).toBe(first.functionVersion);
      expect((await world.serving.prod.live(toyModel))?.version).toBe(first.functionVersion);
    } finally {
      await world.close();
    }
  });
});
