import type { Outcome } from "#domain/delivery/outcomes.ts";
import { readCommittedModel } from "#domain/delivery/read-committed-model.ts";
import { createDeliveryName } from "#lambdas/start-delivery/delivery-name.ts";
import type { Engine } from "#worlds/embedded/engine/engine.ts";
import type { Steps } from "#worlds/embedded/engine/steps.ts";
import { readMachineCaller } from "#worlds/embedded/operator/machine-identity.ts";
import type { Reporter } from "#worlds/embedded/reporter.ts";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import type { World } from "#worlds/embedded/world.ts";
import { createAutoApprover } from "./auto-approver.ts";
import { type ModelChange, repositoryName, type WatchedRepository } from "./watched-repository.ts";

/** What the scenario needs of a world, this machine's or one of AWS's own interfaces (test/peers/aws-world). */
export type ScenarioDependencies = Pick<
  EmbeddedWorld,
  "url" | "runtime" | "openView" | "look" | "asked" | "ended"
> & {
  readonly world: Pick<
    World,
    | "modelsUrl"
    | "store"
    | "source"
    | "secrets"
    | "ledger"
    | "outcomes"
    | "messages"
    | "approvals"
    | "serving"
  >;
  readonly repository: Pick<WatchedRepository, "folder" | "head" | "commitChange" | "hasVersion">;
  readonly steps: Pick<Steps, "startDelivery">;
  readonly engine: Pick<Engine, "describe">;
};

/** Who answers the questions: a person at the desk, or the scenario in an approver's name. */
export type DecisionMode = "person" | "approve" | "reject";

/** A delivery did not end as the scenario was asked to have it. */
export class ScenarioFailed extends Error {
  override readonly name = "ScenarioFailed";
}

/**
 * Delivers a model twice: its first version, then a better one. What an earlier run delivered is not delivered again;
 * what an interruption cut off is.
 */
export const runScenario = async (
  rehearsal: ScenarioDependencies,
  { model, answers, voice }: { model: string; answers: DecisionMode; voice: Reporter },
): Promise<void> => {
  const { world, repository } = rehearsal;
  const first = await deliverChange(rehearsal, {
    model,
    change: "first",
    answer: answers === "person" ? undefined : "approve",
    voice,
  });
  if (answers !== "person") assertOutcome(first, "promoted");
  if (!(await repository.hasVersion(model, "second"))) {
    voice.say(
      `No second version of ${model} was trained (seed/${model}/versions/second): one delivery it is.`,
    );
    return;
  }
  const second = await deliverChange(rehearsal, {
    model,
    change: "second",
    answer: answers === "person" ? undefined : answers,
    voice,
  });
  if (answers === "person") return;
  if (!first.already || !second.already)
    assertOutcome(second, answers === "approve" ? "promoted" : "rejected");
  const expected = second.outcome === "promoted" ? second : first;
  await assertServing(rehearsal, model, expected.delivery);
  if (answers === "reject") {
    const stage = await world.serving.stage.live(model);
    const config = stage && (await world.serving.stage.version(model, stage.version))?.config;
    const prod = await world.ledger.serving("prod", model);
    if (config?.digest !== prod?.digest)
      throw new ScenarioFailed(`stage serves ${config?.digest}, prod ${prod?.digest}`);
  }
};

type DeliveryResult = { readonly delivery: string; readonly outcome: Outcome; readonly already: boolean };

const deliverChange = async (
  rehearsal: ScenarioDependencies,
  {
    model,
    change,
    answer,
    voice,
  }: { model: string; change: ModelChange; answer: "approve" | "reject" | undefined; voice: Reporter },
): Promise<DeliveryResult> => {
  const { world, repository, steps, engine, runtime } = rehearsal;
  const commit = await commitOnce(rehearsal, model, change);
  const newest = async () => {
    let name: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const next = createDeliveryName({ repository: repositoryName, model, commit, attempt });
      if (!(await engine.describe(next))) return name;
      name = next;
    }
  };
  await rehearsal.look();
  let delivery = await newest();
  const ended = delivery === undefined ? undefined : await world.outcomes.read(delivery);
  if (delivery === undefined || ended?.error?.name === "Interrupted") {
    const again = {
      repository: repositoryName,
      before: null,
      after: commit,
      pusher: await readMachineCaller(repository.folder),
      runtime,
      models: [model],
    };
    delivery = (await steps.startDelivery(again)).deliveries[0]?.name;
    if (delivery === undefined)
      throw new ScenarioFailed(`${model} is not in ${repository.folder} at ${commit.slice(0, 12)}`);
    voice.say(`Delivering ${model} at ${commit.slice(0, 12)} as ${delivery}`);
  } else if (ended) {
    voice.say(`${model} at ${commit.slice(0, 12)} (${change}) was delivered before: ${ended.outcome}.`);
    return { delivery, outcome: ended.outcome, already: true };
  }
  const name = delivery;
  if (answer) {
    const person = createAutoApprover(rehearsal);
    await Promise.race([
      rehearsal
        .asked(name)
        .then(() =>
          answer === "approve"
            ? person.approve(name)
            : person.reject(name, "Rejected by npm start -- --reject"),
        ),
      rehearsal.ended(name),
    ]);
  }
  await rehearsal.ended(name);
  const outcome = await world.outcomes.read(name);
  if (!outcome) throw new ScenarioFailed(`${name} ended without a report`);
  return { delivery: name, outcome: outcome.outcome, already: false };
};

/** The commit of a change, made at most once in the life of a data folder. */
const commitOnce = async (
  { world, repository }: ScenarioDependencies,
  model: string,
  change: ModelChange,
): Promise<string> => {
  const key = { partition: "rehearsal", sort: `commit#${model}#${change}` };
  const known = await world.store.get(key);
  if (typeof known?.value === "string") return known.value;
  // A kill between the commit and this note leaves the content committed: then the head is the commit.
  const commit = (await repository.commitChange(model, change)) ?? (await repository.head());
  if (!commit) throw new ScenarioFailed(`${repository.folder} has no commit`);
  await world.store.put(key, commit);
  return commit;
};

const assertOutcome = ({ delivery, outcome }: DeliveryResult, expected: Outcome) => {
  if (outcome !== expected) throw new ScenarioFailed(`${delivery} ended as ${outcome}, not as ${expected}`);
};

/** Prod's public endpoint answers with the version that the delivery promoted. */
const assertServing = async (
  rehearsal: ScenarioDependencies,
  model: string,
  delivery: string,
): Promise<void> => {
  const deployment = await rehearsal.world.ledger.ofDelivery("prod", model, delivery);
  const { url, body, headers } = await createExampleRequest(rehearsal.world, model);
  const response = await fetch(`${url}/v1/predict`, { method: "POST", headers, body });
  const answer: unknown = await response.json();
  const version =
    typeof answer === "object" && answer !== null && "version" in answer ? String(answer.version) : "";
  if (!response.ok || version !== String(deployment?.version))
    throw new ScenarioFailed(
      `prod answers ${response.status} with version ${version}, not ${deployment?.version}`,
    );
};

/** A request to prod that works, with or without API keys: the first golden row of what it serves. */
export const createExampleRequest = async (
  world: Pick<ScenarioDependencies["world"], "modelsUrl" | "source" | "secrets" | "ledger">,
  model: string,
): Promise<{ url: string; body: string; headers: Readonly<Record<string, string>> }> => {
  const serving = await world.ledger.serving("prod", model);
  if (!serving) throw new ScenarioFailed(`prod serves no version of ${model}`);
  const { golden } = await readCommittedModel(world)(model, serving.commit, { promoted: true });
  return {
    url: `${world.modelsUrl}/prod/models/${model}`,
    body: JSON.stringify({ rows: golden.rows.slice(0, 1) }),
    headers: {
      "content-type": "application/json",
      "x-api-key": await world.secrets.read("CONTROL_TOKEN"),
    },
  };
};
