import { z } from "zod";
import type { ExecutionStatus } from "#platform/deliveries/deliveries.ts";
import type { SlipwayEvent } from "#platform/events/events.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { slackWorkspace } from "#worlds/embedded/desk/slack-workspace.ts";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { decideAndWait, rehearsedModel } from "./test-rehearsal.ts";

/** The state of a killed delivery before any recovery. */
export type DeliveryState = {
  readonly execution: ExecutionStatus | "absent";
  readonly state: string | undefined;
  readonly committed: boolean;
  readonly outcome: string | undefined;
};

export const readDeliveryState = async (
  { world }: EmbeddedWorld,
  delivery: string,
): Promise<DeliveryState> => {
  const execution = await world.deliveries.describe(delivery);
  const position = world.database.prepare("SELECT state FROM executions WHERE name = ?").get(delivery);
  return {
    execution: execution?.status ?? "absent",
    state: typeof position?.state === "string" ? position.state : undefined,
    committed: (await world.ledger.ofDelivery("prod", rehearsedModel, delivery))?.status === "promoted",
    outcome: (await world.outcomes.read(delivery))?.outcome,
  };
};

/** The expected state: outcome, error, and the registry version that serves (null: none). */
export type ExpectedRecovery = {
  readonly outcome: string;
  readonly error?: string | undefined;
  readonly serves: number | null;
};

const predictVersion = async (url: string, row: unknown): Promise<number | null> => {
  const response = await fetch(`${url}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows: [row] }),
  });
  const body = z.object({ version: z.coerce.number() }).safeParse(await response.json());
  return response.ok && body.success ? body.data.version : null;
};

/** A sentence for every broken rule after a kill; empty: the delivery recovered. */
export const findBrokenRules = async (
  rehearsal: EmbeddedWorld,
  delivery: string,
  expected: ExpectedRecovery,
  row: unknown,
): Promise<string[]> => {
  const { world } = rehearsal;
  const broken: string[] = [];
  const check = (holds: boolean, sentence: string) => void (holds || broken.push(sentence));

  const outcome = await world.outcomes.read(delivery);
  check(outcome?.outcome === expected.outcome, `its outcome is ${outcome?.outcome}, not ${expected.outcome}`);
  check(
    outcome?.error?.name === expected.error,
    `its error is ${outcome?.error?.name}, not ${expected.error}`,
  );
  check((await world.deliveries.describe(delivery))?.status !== "RUNNING", "its execution is still running");

  for (const environment of ["prod", "stage"] as const) {
    const live = await world.serving[environment].live(rehearsedModel);
    check(live?.canary === undefined, `${environment} still has a canary`);
    const version = await predictVersion(`${world.modelsUrl}/${environment}/models/${rehearsedModel}`, row);
    check(version === expected.serves, `${environment} serves version ${version}, not ${expected.serves}`);
    for (const entry of await world.ledger.entries(environment, rehearsedModel, 100)) {
      // Stage has no promoted entries: an open entry of a delivery there counts as what prod serves.
      const closed = entry.status === "promoted" || entry.status === "ended";
      if (environment === "prod" || (entry.delivery === delivery && expected.outcome !== "promoted"))
        check(closed, `the ledger of ${environment} has entry ${entry.sequence} as ${entry.status}`);
    }
  }
  const champion = await world.registry.byAlias(rehearsedModel, "champion");
  check(
    (champion?.version ?? null) === expected.serves,
    `champion is ${champion?.version}, not ${expected.serves}`,
  );
  const challenger = await world.registry.byAlias(rehearsedModel, "challenger");
  check(challenger === undefined, `challenger is still ${challenger?.version}`);
  const registered = (await world.registry.versions(rehearsedModel, { limit: 100 })).filter(
    ({ tags }) => tags.delivery === delivery,
  );
  check(registered.length <= 1, `${registered.length} versions were registered`);

  for (const { environment, holder } of await world.claims.open())
    check(false, `the claim of ${environment} is held by ${holder}`);
  for (const { id, state } of await world.approvals.open())
    check(false, `the approval ${id} is ${state.status}`);
  broken.push(...(await findUnpublishedFacts(rehearsal, delivery)));
  broken.push(...(await findMessageErrors(rehearsal, delivery)));
  return broken;
};

/** Every stored fact of a delivery has its event on the bus, and the outbox is empty. */
const findUnpublishedFacts = async ({ world }: EmbeddedWorld, delivery: string): Promise<string[]> => {
  const broken = (await world.outbox.oldest()) === undefined ? [] : ["the outbox is not empty"];
  const published = world.events.latest(1_000).map(({ event }) => event);
  const check = (fact: string, matches: (event: SlipwayEvent) => boolean) =>
    void (published.some(matches) || broken.push(`no event says: ${fact}`));
  const outcome = await world.outcomes.read(delivery);
  if (outcome)
    check(
      `outcome ${outcome.outcome}`,
      (event) =>
        event.type === "outcome" &&
        event.delivery === delivery &&
        event.outcome === outcome.outcome &&
        event.error?.name === outcome.error?.name,
    );
  if (await world.ledger.ofDelivery("stage", rehearsedModel, delivery))
    check("started", (event) => event.type === "started" && event.delivery === delivery);
  for (const { id, state } of await world.approvals.ofDelivery(delivery)) {
    check(`${id} waits`, (event) => event.type === "waiting" && event.approval === id);
    if (state.status === "sent")
      check(
        `${id} is ${state.decision.status}`,
        (event) =>
          event.type === "decided" && event.approval === id && event.decision === state.decision.status,
      );
  }
  for (const entry of await world.ledger.entries("prod", rehearsedModel, 100)) {
    const isAbout = (event: SlipwayEvent) => "delivery" in event && event.delivery === entry.delivery;
    for (const { percent } of entry.shares)
      if (percent < 100)
        check(
          `${entry.delivery} got ${percent} %`,
          (event) => event.type === "canary-step" && isAbout(event) && event.percent === percent,
        );
    if (entry.takenBackAt !== null || (entry.reason !== null && entry.status === "promoted"))
      check(`${entry.delivery} rolled prod back`, (event) => event.type === "rolled-back" && isAbout(event));
  }
  return broken;
};

const History = z.object({
  messages: z.array(
    z.object({
      text: z.string(),
      blocks: z.unknown(),
      // A reply that is told in the channel, too, has its own.
      metadata: z.object({ event_payload: z.object({ delivery: z.string().optional() }) }).optional(),
    }),
  ),
});

/** The desk shows one message of a delivery, and it shows the stored state. */
const findMessageErrors = async ({ world }: EmbeddedWorld, delivery: string): Promise<string[]> => {
  const history = History.parse(
    await world.slack.conversations.history({
      channel: slackWorkspace.channel.id,
      limit: 100,
      include_all_metadata: true,
    }),
  );
  const shown = history.messages.filter(({ metadata }) => metadata?.event_payload.delivery === delivery);
  const [message] = shown;
  if (!message || shown.length > 1) return [`the desk shows ${shown.length} messages of it`];
  const view = await world.messages.state(delivery);
  if (!view) return ["its message is not stored"];
  const outcome = (await world.outcomes.read(delivery))?.outcome;
  if (view.outcome !== outcome) return [`its message is stored with the outcome ${view.outcome}`];
  const broken: string[] = [];
  if (message.text !== renderMessageBlocks(view, undefined).text)
    broken.push(`its message says "${message.text}", not "${renderMessageBlocks(view, undefined).text}"`);
  if (JSON.stringify(message.blocks).includes('"action_id":"approve"'))
    broken.push("its message still has buttons");
  if (view.progress !== null) broken.push(`its message still shows progress: ${view.progress}`);
  if (outcome === "promoted" && view.question?.status !== "approved")
    broken.push(`it was promoted, but its message shows the approval as ${view.question?.status}`);
  return broken;
};

/** Delivers the same commit again, as a person would; returns its outcome. */
export const deliverAgain = async (rehearsal: EmbeddedWorld, commit: string): Promise<string | undefined> => {
  const { deliveries } = await rehearsal.steps.startDelivery({
    repository: "rehearsal",
    before: null,
    after: commit,
    pusher: "sam.carter@example.com",
    runtime: rehearsal.runtime,
    models: [rehearsedModel],
  });
  const name = deliveries[0]?.name ?? "";
  await decideAndWait(rehearsal, name);
  return (await rehearsal.world.outcomes.read(name))?.outcome;
};
