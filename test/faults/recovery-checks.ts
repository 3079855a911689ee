import { z } from "zod";
import type { ExecutionStatus } from "#platform/deliveries/deliveries.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { slackWorkspace } from "#worlds/embedded/desk/slack-workspace.ts";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { decideAndWait, rehearsedModel } from "./test-rehearsal.ts";

/** Where a killed delivery stood, read before anything is repaired. */
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

/** What must serve: registry versions, null where nobody is served. */
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
  const answer = z.object({ version: z.coerce.number() }).safeParse(await response.json());
  return response.ok && answer.success ? answer.data.version : null;
};

/** Every rule about the time after a kill that is broken; none: the delivery was put right. */
export const findBrokenRules = async (
  rehearsal: EmbeddedWorld,
  delivery: string,
  expected: ExpectedRecovery,
  row: unknown,
): Promise<string[]> => {
  const { world } = rehearsal;
  const broken: string[] = [];
  const must = (holds: boolean, sentence: string) => void (holds || broken.push(sentence));

  const outcome = await world.outcomes.read(delivery);
  must(outcome?.outcome === expected.outcome, `its outcome is ${outcome?.outcome}, not ${expected.outcome}`);
  must(
    outcome?.error?.name === expected.error,
    `its error is ${outcome?.error?.name}, not ${expected.error}`,
  );
  must((await world.deliveries.describe(delivery))?.status !== "RUNNING", "its execution runs still");

  for (const environment of ["prod", "stage"] as const) {
    const live = await world.serving[environment].live(rehearsedModel);
    must(live?.canary === undefined, `${environment} has a canary left`);
    const served = await predictVersion(`${world.modelsUrl}/${environment}/models/${rehearsedModel}`, row);
    must(served === expected.serves, `${environment} answers with version ${served}, not ${expected.serves}`);
    for (const entry of await world.ledger.entries(environment, rehearsedModel, 100)) {
      // Stage has no promoted entries: an open entry of a delivery there counts as what prod serves.
      const closed = entry.status === "promoted" || entry.status === "ended";
      if (environment === "prod" || (entry.delivery === delivery && expected.outcome !== "promoted"))
        must(closed, `the ledger of ${environment} has entry ${entry.sequence} as ${entry.status}`);
    }
  }
  const champion = await world.registry.byAlias(rehearsedModel, "champion");
  must(
    (champion?.version ?? null) === expected.serves,
    `champion is ${champion?.version}, not ${expected.serves}`,
  );
  const challenger = await world.registry.byAlias(rehearsedModel, "challenger");
  must(challenger === undefined, `challenger is still ${challenger?.version}`);
  const registered = (await world.registry.versions(rehearsedModel, { limit: 100 })).filter(
    ({ tags }) => tags.delivery === delivery,
  );
  must(registered.length <= 1, `${registered.length} versions were registered`);

  for (const { environment, holder } of await world.claims.open())
    must(false, `the claim of ${environment} is held by ${holder}`);
  for (const { id, state } of await world.approvals.open())
    must(false, `the question ${id} is ${state.status}`);
  broken.push(...(await findMessageErrors(rehearsal, delivery)));
  return broken;
};

const History = z.object({
  messages: z.array(
    z.object({
      text: z.string(),
      blocks: z.unknown(),
      metadata: z.object({ event_payload: z.object({ delivery: z.string() }) }).optional(),
    }),
  ),
});

/** What the desk shows of a delivery is one message that says what the store says. */
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
  if (!message || shown.length > 1) return [`${shown.length} messages of it stand on the desk`];
  const view = await world.messages.state(delivery);
  if (!view) return ["no message of it is kept"];
  const outcome = (await world.outcomes.read(delivery))?.outcome;
  if (view.outcome !== outcome) return [`its message is kept with the outcome ${view.outcome}`];
  const broken: string[] = [];
  if (message.text !== renderMessageBlocks(view, undefined).text)
    broken.push(`its message says "${message.text}", not "${renderMessageBlocks(view, undefined).text}"`);
  if (JSON.stringify(message.blocks).includes('"action_id":"approve"'))
    broken.push("its message has buttons still");
  if (view.progress !== null) broken.push(`its message still tells of progress: ${view.progress}`);
  if (outcome === "promoted" && view.question?.status !== "approved")
    broken.push(`it was promoted, and its message shows the question as ${view.question?.status}`);
  return broken;
};

/** The same commit delivered once more, as a person would: it must go through. */
export const deliverAgain = async (rehearsal: EmbeddedWorld, commit: string): Promise<string | undefined> => {
  const started = await rehearsal.steps.startDelivery({
    repository: "rehearsal",
    before: null,
    after: commit,
    pusher: "sam.carter@example.com",
    runtime: rehearsal.runtime,
    models: [rehearsedModel],
  });
  const name = started.deliveries[0]?.name ?? "";
  await decideAndWait(rehearsal, name);
  return (await rehearsal.world.outcomes.read(name))?.outcome;
};
