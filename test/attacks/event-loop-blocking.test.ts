import { execFileSync } from "node:child_process";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repositoryRoot } from "#test/end-to-end/fixture.ts";
import { fastWorldOptions } from "#test/support/fast-world-options.ts";
import { hostileFiles } from "#test/support/hostile-files.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { createLocalTasks } from "#worlds/embedded/engine/tasks.ts";
import { type EmbeddedWorld, startEmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { countResponsesDuring } from "./count-responses-during.ts";

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let rehearsal: EmbeddedWorld;

beforeAll(async () => {
  folder = await createTemporaryFolder();
  rehearsal = await startEmbeddedWorld({
    folder: resolveDataFolder(join(folder.path, "data")),
    checkout: repositoryRoot,
    ...fastWorldOptions,
    reporter: { say: () => undefined, event: () => undefined },
  });
});
afterAll(async () => {
  await rehearsal?.stop();
  await folder?.remove();
});

const commit = async (file: string, content: string): Promise<string> => {
  const repository = rehearsal.repository.folder;
  const models = join(repository, "models", "churn");
  await cp(join(repositoryRoot, "models", "churn"), models, { recursive: true });
  await writeFile(join(models, file), content);
  const ada = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgSign=false"];
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", repository, ...ada, ...args], { encoding: "utf8" }).trim();
  git("add", "--all");
  git("commit", "--quiet", "--message", file);
  return git("rev-parse", "HEAD");
};

/** Manifests that take about a second to refuse. */
const slowManifests = hostileFiles.filter(([name]) => /fewer marks than|hundred unknown keys/.test(name));

test("some manifests take long to refuse", () => expect(slowManifests).toHaveLength(2));

test.each(slowManifests)(
  "%s in %s block the steps' thread: prod responds meanwhile",
  async (_, file, content) => {
    const event = {
      delivery: "hostile",
      model: "churn",
      commit: await commit(file, content()),
      environment: "stage",
      requestedAt: Date.now(),
      pusher: "sam@example.com",
    };
    const claim = (steps: EmbeddedWorld["steps"]) =>
      countResponsesDuring(() => steps.machine["claim-environment"](event));
    const here = await claim(createLocalTasks(rehearsal.world, async () => "").steps);
    const inThread = await claim(rehearsal.steps);
    for (const { error } of [here, inThread])
      expect(error).toMatchObject({ name: "ManifestInvalid", message: expect.stringContaining(file) });
    expect(inThread.answered).toBeGreaterThan(2 * here.answered);
  },
);
