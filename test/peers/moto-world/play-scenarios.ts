import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { readCommittedRows } from "#domain/delivery/read-committed-model.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { slackWorkspace } from "#worlds/embedded/desk/slack-workspace.ts";
import { createAutoApprover } from "#worlds/embedded/scenario/auto-approver.ts";
import { createSyntheticApplication } from "#worlds/embedded/scenario/synthetic-application.ts";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import type { World } from "#worlds/embedded/world.ts";
import { normalizeLedgerEntry, normalizeTranscript, type Transcript } from "./normalize-transcript.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

/** The parts of a world that scenarios use; both worlds have them. */
export type ScenarioTarget = Pick<EmbeddedWorld, "url" | "modelsUrl" | "openView" | "asked" | "ended"> & {
  readonly world: Pick<World, "messages" | "approvals" | "outcomes" | "ledger" | "source">;
  readonly engine: Pick<EmbeddedWorld["engine"], "describe">;
  readonly botToken: string;
  readonly deliver: (model: string, commit: string) => Promise<string>;
  readonly sweep: () => Promise<unknown>;
};

const requestsPerSecond = 60;
/** How many models are delivered at once: one of them waits for its approval to expire. */
const modelsAtOnce = 4;
const pollIntervalMs = 100;

const History = z.object({
  messages: z.array(z.object({ ts: z.string(), text: z.string(), blocks: z.unknown() })),
});
const Predictions = z.object({ predictions: z.array(z.object({ label: z.string() })) });

const TableRow = z.array(z.object({ type: z.literal("raw_text"), text: z.string() })).min(1);

/** All texts of a message's blocks, in order; a row of a table is one. */
const collectTexts = (value: unknown): string[] => {
  if (typeof value !== "object" || value === null) return [];
  const row = TableRow.safeParse(value);
  if (row.success) return [row.data.map(({ text }) => text).join(" | ")];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "text" && typeof inner === "string" ? [inner] : collectTexts(inner),
  );
};

const readMessages = async (
  { url, botToken }: ScenarioTarget,
  delivery: string,
): Promise<Transcript["messages"]> => {
  const response = await fetch(`${url}/api/conversations.history`, {
    method: "POST",
    headers: { authorization: `Bearer ${botToken}`, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ channel: slackWorkspace.channel.id, limit: "200" }),
  });
  const { messages } = History.parse(await response.json());
  // On both engines the link to a delivery's page ends with the delivery's name.
  return messages
    .filter(({ blocks }) => new RegExp(`[:/]${delivery}"`).test(JSON.stringify(blocks)))
    .map(({ text, blocks }) => [text, ...collectTexts(blocks)]);
};

const predictLabels = async (
  { modelsUrl }: ScenarioTarget,
  environment: string,
  model: string,
  rows: readonly Row[],
) => {
  const response = await fetch(`${modelsUrl}/${environment}/models/${model}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows }),
  });
  const body = await response.text();
  // Status and body of an error explain more than missing predictions.
  if (response.status !== 200)
    throw new Error(`${environment} of ${model} responded with ${response.status}: ${body}`);
  return Predictions.parse(JSON.parse(body)).predictions.map(({ label }) => label);
};

/** Waits until the execution has ended and was swept, as EventBridge does on AWS. */
const waitForEnd = async (target: ScenarioTarget, name: string): Promise<void> => {
  for (;;) {
    const execution = await target.engine.describe(name);
    if (execution && execution.status !== "RUNNING") {
      if (execution.status !== "SUCCEEDED") return target.ended(name);
      if (!(await target.world.outcomes.read(name))) await target.sweep();
      return;
    }
    await pause(pollIntervalMs);
  }
};

const playModel = async (target: ScenarioTarget, model: string, commits: readonly string[]) => {
  const transcripts: Transcript[] = [];
  const { world, modelsUrl } = target;
  const approver = createAutoApprover(target);
  const readRows = (commit: string) => readCommittedRows(world)(model, commit);

  /** Rows with different labels in the two versions: on these every label shifts. */
  const readOddRows = async (commit: string) => {
    const rows = await readRows(commit);
    const [prod, stage] = [
      await predictLabels(target, "prod", model, rows),
      await predictLabels(target, "stage", model, rows),
    ];
    return rows.filter((_, index) => prod[index] === "stay" && stage[index] === "churn");
  };
  const decide = async (name: string, { answer: decision, traffic }: Scenario, commit: string) => {
    if (!decision) return undefined;
    const rows = traffic && (traffic === "odd" ? await readOddRows(commit) : await readRows(commit));
    const application =
      rows &&
      createSyntheticApplication({
        requestsPerSecond,
        key: "none",
        random: Math.random,
        onFailure: () => undefined,
      });
    if (rows) application?.follow(model, `${modelsUrl}/prod/models/${model}`, rows);
    if (decision === "approve") await approver.approve(name);
    else await approver.reject(name, "not this one");
    return application;
  };

  const scenes = scenarios[model] ?? [];
  const names: string[] = [];
  for (const [index, scene] of scenes.entries()) {
    const commit = commits[index] ?? "";
    const name = await target.deliver(model, commit);
    names.push(name);
    const question = await Promise.race([
      target.asked(name).then(() => true),
      waitForEnd(target, name).then(() => false),
    ]);
    const application = question ? await decide(name, scene, commit) : undefined;
    // The next delivery supersedes it.
    if (scene.ends !== "superseded") await waitForEnd(target, name);
    await application?.stop();
  }
  for (const name of names) {
    await waitForEnd(target, name);
    transcripts.push({
      outcome: await world.outcomes.read(name),
      messages: await readMessages(target, name),
    });
  }
  return transcripts;
};

/** Plays all scenarios, several models at once; returns each delivery's transcript and the ledgers. */
export const playScenarios = async (
  target: ScenarioTarget,
  commits: Readonly<Record<string, readonly string[]>>,
  say: (sentence: string) => void = () => undefined,
) => {
  const transcripts: Record<string, ReturnType<typeof normalizeTranscript>[]> = {};
  const queue = Object.keys(scenarios);
  const playQueue = async (): Promise<void> => {
    for (let model = queue.shift(); model !== undefined; model = queue.shift()) {
      const start = performance.now();
      transcripts[model] = (await playModel(target, model, commits[model] ?? [])).map(normalizeTranscript);
      say(`${model}: ${((performance.now() - start) / 1_000).toFixed(1)} s`);
    }
  };
  await Promise.all(Array.from({ length: modelsAtOnce }, playQueue));
  // The sweep completes the deliveries whose steps are broken.
  await target.sweep();
  const entries = async (model: string) => ({
    stage: (await target.world.ledger.entries("stage", model, 100)).map(normalizeLedgerEntry),
    prod: (await target.world.ledger.entries("prod", model, 100)).map(normalizeLedgerEntry),
  });
  const ledgers: Record<string, Awaited<ReturnType<typeof entries>>> = {};
  for (const model of Object.keys(scenarios)) ledgers[model] = await entries(model);
  return { transcripts, ledgers };
};
