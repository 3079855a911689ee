import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeLocalFile } from "#platform/files/local-file.ts";
import { ModelVersionNotFound, type Registration, type Registry } from "#platform/registry/registry.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

export type RegistryUnderTest = {
  readonly registry: Registry;
  /** The registry through a client whose `count`-th call to its backend fails, `before` or `after` it took effect. */
  failing(count: number, when: "before" | "after"): Registry;
  close(): Promise<void>;
};

const artifact = Buffer.from([0, 255, 10, 13, 0, 8]);

/** The registered bytes of a version's ONNX file. */
export const readArtifact = async (
  registry: Registry,
  model: string,
  version: number,
): Promise<Buffer | undefined> => {
  const stream = await registry.artifact(model, version);
  return stream && buffer(stream);
};

/** The rules of `Registry`, for every implementation. `make` returns one without any model `contract-…`. */
export const registryContract = (name: string, make: () => Promise<RegistryUnderTest>): void => {
  describe(`registry: ${name}`, () => {
    let subject: RegistryUnderTest;
    let registration: Registration;
    let model: string;
    let models = 0;
    const renew = () => {
      models += 1;
      model = `contract-${models}`;
      registration = {
        model,
        delivery: "delivery-1",
        artifact,
        manifest: `name: ${model}\n`,
        tags: { commit: "c0ffee", digest: "sha256:1" },
        metrics: { auc: 0.84, accuracy: 0.8 },
      };
    };
    beforeEach(async () => {
      subject = await make();
      renew();
    });
    afterEach(() => subject.close());

    test("a registered version is found by its number, with its tags and its artefact byte for byte", async () => {
      const { registry } = subject;
      const registered = await registry.register(registration);
      expect(registered).toMatchObject({ model, version: 1, tags: registration.tags, aliases: [] });
      expect(await registry.version(model, 1)).toEqual(registered);
      expect(await readArtifact(registry, model, 1)).toEqual(artifact);
    });

    test("a file of this machine is registered byte for byte, with its tokenizer", async () => {
      const { registry } = subject;
      const folder = await createTemporaryFolder();
      try {
        const bytes = randomBytes(3 * 1024 * 1024 + 17);
        const write = (name: string, content: Buffer) =>
          writeLocalFile(join(folder.path, name), Readable.from([content]));
        const file = await write("model", bytes);
        const tokenizer = await write("tokenizer", Buffer.from("{}"));
        const { version } = await registry.register({ ...registration, artifact: file, tokenizer });
        expect((await readArtifact(registry, model, version))?.equals(bytes)).toBe(true);
      } finally {
        await folder.remove();
      }
    });

    test("a file that changed since it was checked is not registered", async () => {
      const { registry } = subject;
      const folder = await createTemporaryFolder();
      try {
        const path = join(folder.path, "model");
        const file = await writeLocalFile(path, Readable.from([artifact]));
        await writeFile(path, Buffer.from([0, 255, 10, 13, 0, 9]));
        await expect(registry.register({ ...registration, artifact: file })).rejects.toThrow();
        expect(await registry.versions(model, { limit: 5 })).toEqual([]);
      } finally {
        await folder.remove();
      }
    });

    test("a missing version, tag or alias is undefined", async () => {
      const { registry } = subject;
      expect(await registry.version(model, 1)).toBeUndefined();
      expect(await registry.artifact(model, 1)).toBeUndefined();
      expect(await registry.byAlias(model, "champion")).toBeUndefined();
      expect(await registry.versions(model, { limit: 5 })).toEqual([]);
      await registry.register(registration);
      expect(await registry.version(model, 2)).toBeUndefined();
      expect(await registry.artifact(model, 2)).toBeUndefined();
      expect(await registry.byAlias(model, "champion")).toBeUndefined();
    });

    test("registering again for the same delivery returns the same version, and another delivery gets the next version", async () => {
      const { registry } = subject;
      const first = await registry.register(registration);
      expect(await registry.register(registration)).toEqual(first);
      expect((await registry.register({ ...registration, delivery: "delivery-2" })).version).toBe(2);
      expect((await registry.register(registration)).version).toBe(1);
      expect((await registry.versions(model, { limit: 10 })).map(({ version }) => version)).toEqual([2, 1]);
    });

    test("versions are numbered per model, and listed newest first up to the limit", async () => {
      const { registry } = subject;
      for (const delivery of ["a", "b", "c"]) await registry.register({ ...registration, delivery });
      const otherModel = await registry.register({ ...registration, model: `${model}-other` });
      expect(otherModel.version).toBe(1);
      expect((await registry.versions(model, { limit: 2 })).map(({ version }) => version)).toEqual([3, 2]);
    });

    test("an alias points to one version, moves, and can be removed", async () => {
      const { registry } = subject;
      for (const delivery of ["a", "b"]) await registry.register({ ...registration, delivery });
      await registry.setAlias(model, "champion", 1);
      await registry.setAlias(model, "challenger", 2);
      expect((await registry.byAlias(model, "champion"))?.version).toBe(1);
      await registry.setAlias(model, "champion", 2);
      await registry.setAlias(model, "previous_champion", 1);
      expect([...((await registry.version(model, 2))?.aliases ?? [])].sort()).toEqual([
        "challenger",
        "champion",
      ]);
      expect((await registry.version(model, 1))?.aliases).toEqual(["previous_champion"]);
      await registry.setAlias(model, "challenger", undefined);
      await registry.setAlias(model, "challenger", undefined);
      expect(await registry.byAlias(model, "challenger")).toBeUndefined();
      expect((await registry.byAlias(model, "champion"))?.aliases).toEqual(["champion"]);
    });

    test("tags are added and replaced one by one; the others stay", async () => {
      const { registry } = subject;
      await registry.register(registration);
      await registry.setTags(model, 1, { verdict: "pass", commit: "decaf" });
      expect((await registry.version(model, 1))?.tags).toMatchObject({
        commit: "decaf",
        digest: "sha256:1",
        verdict: "pass",
      });
    });

    test("a tag reads back as it was written: a person's reason has lines, quotes and any letters", async () => {
      const { registry } = subject;
      await registry.register(registration);
      const reason = `"stay" moved by 12 %:\n<b>ask Ben first</b> & wait… 🚦 ${"x".repeat(1_900)}`;
      for (const _ of [1, 2]) await registry.setTags(model, 1, { rejection_reason: reason });
      expect((await registry.version(model, 1))?.tags.rejection_reason).toBe(reason);
    });

    test("setting an alias or tags of a missing version fails with ModelVersionNotFound", async () => {
      const { registry } = subject;
      await registry.register(registration);
      await expect(registry.setAlias(model, "champion", 9)).rejects.toThrow(ModelVersionNotFound);
      await expect(registry.setTags(model, 9, { a: "b" })).rejects.toThrow(ModelVersionNotFound);
      expect(await registry.byAlias(model, "champion")).toBeUndefined();
    });

    test("registering again does not undo tags and aliases that came later", async () => {
      const { registry } = subject;
      await registry.register(registration);
      await registry.setTags(model, 1, { commit: "decaf" });
      await registry.setAlias(model, "champion", 1);
      const again = await registry.register(registration);
      expect(again).toMatchObject({ tags: { commit: "decaf" }, aliases: ["champion"] });
    });

    test.each(["before", "after"] as const)(
      "a registration that fails %s any inner call is invisible, and the next one completes it without a duplicate",
      async (when) => {
        for (let count = 1; ; count += 1) {
          renew();
          const broken = await subject
            .failing(count, when)
            .register(registration)
            .then(() => false)
            .catch(() => true);
          for (const { version } of await subject.registry.versions(model, { limit: 5 })) {
            // Visible versions are complete, also right after the failure.
            expect(await readArtifact(subject.registry, model, version)).toEqual(artifact);
          }
          const registered = await subject.registry.register(registration);
          expect(registered).toMatchObject({ version: 1, tags: registration.tags });
          expect(await readArtifact(subject.registry, model, 1)).toEqual(artifact);
          expect(await subject.registry.versions(model, { limit: 5 })).toEqual([registered]);
          if (!broken) {
            expect(count).toBeGreaterThan(3);
            return;
          }
        }
      },
    );

    test("concurrent registrations of one delivery create one version", async () => {
      const { registry } = subject;
      const all = await Promise.all(Array.from({ length: 8 }, () => registry.register(registration)));
      expect(new Set(all.map(({ version }) => version))).toEqual(new Set([1]));
      expect(await registry.versions(model, { limit: 5 })).toHaveLength(1);
    });

    test("concurrent writers of a new tag set it", async () => {
      const { registry } = subject;
      await registry.register(registration);
      for (const key of ["one", "two", "three", "four", "five"]) {
        await Promise.all(Array.from({ length: 8 }, () => registry.setTags(model, 1, { [key]: "set" })));
        expect((await registry.version(model, 1))?.tags[key]).toBe("set");
      }
    });
  });
};
