import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { servingContract } from "#test/contracts/serving.ts";
import { createScriptedFunction } from "#test/support/scripted-function.ts";
import { createFunctionHost } from "#worlds/embedded/functions/function-host.ts";
import { createEmbeddedServing } from "./embedded.ts";
import { createEmbeddedUpkeep } from "./embedded-upkeep.ts";

const digests = [`sha256:${"a".repeat(64)}`, `sha256:${"b".repeat(64)}`] as const;

servingContract("embedded, with worker processes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-serving-"));
  const scriptedFunction = await createScriptedFunction();
  const host = createFunctionHost({
    imageRoot: async () => scriptedFunction.root,
    metrics: { request: () => {}, unreported: () => {} },
    parseEmf: () => undefined,
    onLine: () => {},
    staysWarm: async () => false,
    clock: Date.now,
    requestId: () => "request",
  });
  const databases = [0, 1].map(() => openDatabase(join(folder, "state.db")));
  const [serving, elsewhere] = databases.map((database) =>
    createEmbeddedServing({
      environment: "stage",
      store: createSqliteStore({ database, clock: Date.now }),
      images: {
        describe: async (digest) =>
          digests.some((known) => known === digest) ? { sizeBytes: 1 } : undefined,
      },
      functions: host,
      url: "http://127.0.0.1:4000",
      random: Math.random,
    }),
  );
  if (!serving || !elsewhere) throw new Error("two handles are needed");
  return {
    serving,
    elsewhere,
    upkeep: createEmbeddedUpkeep(serving),
    digests,
    payload: { do: "echo" },
    breaking: { do: "throw" },
    versionIn: (answer) => z.object({ version: z.string() }).parse(answer).version,
    stop: async () => {
      await host.stop();
      for (const database of databases) database.close();
      await Promise.all([scriptedFunction.remove(), rm(folder, { recursive: true, force: true })]);
    },
  };
});
