import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { readCommittedHoldout } from "#domain/delivery/read-committed-model.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { slackWorkspace } from "#worlds/embedded/desk/slack-workspace.ts";
import { createAutoApprover } from "#worlds/embedded/scenario/auto-approver.ts";
import { createSyntheticApplication } from "#worlds/embedded/scenario/synthetic-application.ts";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import type { World } from "#worlds/embedded/world.ts";
import { normalizeLedgerEntry, normalizeTranscript, type Transcript } from "./normalize-transcript.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

/** What the scenarios need of a world; both worlds have it. */
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

/** All texts of a message's blocks, in their order. */
const collectTexts = (value: unknown): string[] => {
  if (typeof value !== "object" || value === null) return [];
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
  // The link to its page ends with its name, on both engines.
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
  const answer = await response.text();
  // Status and body of an error say more than missing predictions.
  if (response.status !== 200)
    throw new Error(`${environment} of ${model} answered ${response.status}: ${answer}`);
  return Predictions.parse(JSON.parse(answer)).predictions.map(({ label }) => label);
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
  const person = createAutoApprover(target);
  const rowsOf = async (commit: string) => (await readCommittedHoldout(world)(model, commit)).rows;

  /** Rows with different labels in the two versions: on these every label shifts. */
  const oddRows = async (commit: string) => {
    const rows = await rowsOf(commit);
    const [prod, stage] = [
      await predictLabels(target, "prod", model, rows),
      await predictLabels(target, "stage", model, rows),
    ];
    return rows.filter((_, index) => prod[index] === "stay" && stage[index] === "churn");
  };
  const answer = async (name: string, { answer: decision, traffic }: Scenario, commit: string) => {
    if (!decision) return undefined;
    const rows = traffic && (traffic === "odd" ? await oddRows(commit) : await rowsOf(commit));
    const application =
      rows &&
      createSyntheticApplication({
        requestsPerSecond,
        key: "none",
        random: Math.random,
        onFailure: () => undefined,
      });
    if (rows) application?.follow(model, `${modelsUrl}/prod/models/${model}`, rows);
    if (decision === "approve") await person.approve(name);
    else await person.reject(name, "not this one");
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
    const application = question ? await answer(name, scene, commit) : undefined;
    // The next one supersedes it.
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

/** Plays all scenarios, some models at once; returns each delivery's transcript and the ledgers. */
export const playScenarios = async (
  target: ScenarioTarget,
  commits: Readonly<Record<string, readonly string[]>>,
  say: (sentence: string) => void = () => undefined,
) => {
  const transcripts: Record<string, ReturnType<typeof normalizeTranscript>[]> = {};
  const waiting = Object.keys(scenarios);
  const one = async (): Promise<void> => {
    for (let model = waiting.shift(); model !== undefined; model = waiting.shift()) {
      const start = performance.now();
      transcripts[model] = (await playModel(target, model, commits[model] ?? [])).map(normalizeTranscript);
      say(`${model}: ${((performance.now() - start) / 1_000).toFixed(1)} s`);
    }
  };
  await Promise.all(Array.from({ length: modelsAtOnce }, one));
  // The sweep completes what a step without its champion left.
  await target.sweep();
  const entries = async (model: string) => ({
    stage: (await target.world.ledger.entries("stage", model, 100)).map(normalizeLedgerEntry),
    prod: (await target.world.ledger.entries("prod", model, 100)).map(normalizeLedgerEntry),
  });
  const ledgers: Record<string, Awaited<ReturnType<typeof entries>>> = {};
  for (const model of Object.keys(scenarios)) ledgers[model] = await entries(model);
  return { transcripts, ledgers };
};
