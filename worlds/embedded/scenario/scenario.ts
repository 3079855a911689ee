import type { Outcome } from "#domain/delivery/outcomes.ts";
import { readCommittedGolden } from "#domain/delivery/read-committed-model.ts";
import { createDeliveryName } from "#lambdas/start-delivery/delivery-name.ts";
import type { Engine } from "#worlds/embedded/engine/engine.ts";
import type { Steps } from "#worlds/embedded/engine/steps.ts";
import { readMachineCaller } from "#worlds/embedded/operator/machine-identity.ts";
import type { Reporter } from "#worlds/embedded/reporter.ts";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import type { World } from "#worlds/embedded/world.ts";
import { createAutoApprover } from "./auto-approver.ts";
import { type ModelChange, repositoryName, type WatchedRepository } from "./watched-repository.ts";

/** What the scenario needs of a world: this machine's, or one with AWS's own interfaces (test/peers/moto-world). */
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

/** Who decides: a person at the desk, or the scenario in an approver's name. */
export type DecisionMode = "person" | "approve" | "reject";

/** A delivery did not end with the expected outcome. */
export class ScenarioFailed extends Error {
  override readonly name = "ScenarioFailed";
}

/**
 * Delivers a model's first version, then a better one. Does not repeat what an earlier run delivered, unless it was
 * interrupted.
 */
export const runScenario = async (
  rehearsal: ScenarioDependencies,
  { model, decisions, reporter }: { model: string; decisions: DecisionMode; reporter: Reporter },
): Promise<void> => {
  const { world, repository } = rehearsal;
  const first = await deliverChange(rehearsal, {
    model,
    change: "first",
    decision: decisions === "person" ? undefined : "approve",
    reporter,
  });
  if (decisions !== "person") assertOutcome(first, "promoted");
  if (!(await repository.hasVersion(model, "second"))) {
    reporter.say(`${model} has no second version (seed/${model}/versions/second): one delivery only.`);
    return;
  }
  const second = await deliverChange(rehearsal, {
    model,
    change: "second",
    decision: decisions === "person" ? undefined : decisions,
    reporter,
  });
  if (decisions === "person") return;
  if (!first.isEarlierRun || !second.isEarlierRun)
    assertOutcome(second, decisions === "approve" ? "promoted" : "rejected");
  const expected = second.outcome === "promoted" ? second : first;
  await assertServing(rehearsal, model, expected.delivery);
  if (decisions === "reject") {
    const stage = await world.serving.stage.live(model);
    const config = stage && (await world.serving.stage.version(model, stage.version))?.config;
    const prod = await world.ledger.serving("prod", model);
    if (config?.digest !== prod?.digest)
      throw new ScenarioFailed(`stage serves ${config?.digest}, prod ${prod?.digest}`);
  }
};

type DeliveryResult = {
  readonly delivery: string;
  readonly outcome: Outcome;
  readonly isEarlierRun: boolean;
};

const deliverChange = async (
  rehearsal: ScenarioDependencies,
  {
    model,
    change,
    decision,
    reporter,
  }: { model: string; change: ModelChange; decision: "approve" | "reject" | undefined; reporter: Reporter },
): Promise<DeliveryResult> => {
  const { world, repository, steps, engine, runtime } = rehearsal;
  const commit = await commitOnce(rehearsal, model, change);
  const findNewestDelivery = async () => {
    let name: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const next = createDeliveryName({ repository: repositoryName, model, commit, attempt });
      if (!(await engine.describe(next))) return name;
      name = next;
    }
  };
  await rehearsal.look();
  let delivery = await findNewestDelivery();
  const earlier = delivery === undefined ? undefined : await world.outcomes.read(delivery);
  if (delivery === undefined || earlier?.error?.name === "Interrupted") {
    const push = {
      repository: repositoryName,
      before: null,
      after: commit,
      pusher: await readMachineCaller(repository.folder),
      runtime,
      models: [model],
    };
    delivery = (await steps.startDelivery(push)).deliveries[0]?.name;
    if (delivery === undefined)
      throw new ScenarioFailed(`${model} is not in ${repository.folder} at ${commit.slice(0, 12)}`);
    reporter.say(`Delivering ${model} at ${commit.slice(0, 12)}: ${delivery}`);
  } else if (earlier) {
    reporter.say(`${model} at ${commit.slice(0, 12)} (${change}) was delivered before: ${earlier.outcome}.`);
    return { delivery, outcome: earlier.outcome, isEarlierRun: true };
  }
  const name = delivery;
  if (decision) {
    const approver = createAutoApprover(rehearsal);
    await Promise.race([
      rehearsal
        .asked(name)
        .then(() =>
          decision === "approve"
            ? approver.approve(name)
            : approver.reject(name, "Rejected by npm start -- --reject"),
        ),
      rehearsal.ended(name),
    ]);
  }
  await rehearsal.ended(name);
  const outcome = await world.outcomes.read(name);
  if (!outcome) throw new ScenarioFailed(`${name} ended without an outcome`);
  return { delivery: name, outcome: outcome.outcome, isEarlierRun: false };
};

/** Commits a change, at most once per data folder. */
const commitOnce = async (
  { world, repository }: ScenarioDependencies,
  model: string,
  change: ModelChange,
): Promise<string> => {
  const key = { partition: "rehearsal", sort: `commit#${model}#${change}` };
  const stored = await world.store.get(key);
  if (typeof stored?.value === "string") return stored.value;
  // If the process was killed after the commit and before this put, the head is the commit.
  const commit = (await repository.commitChange(model, change)) ?? (await repository.head());
  if (!commit) throw new ScenarioFailed(`${repository.folder} has no commit`);
  await world.store.put(key, commit);
  return commit;
};

const assertOutcome = ({ delivery, outcome }: DeliveryResult, expected: Outcome) => {
  if (outcome !== expected)
    throw new ScenarioFailed(`${delivery} ended with the outcome ${outcome}, not ${expected}`);
};

/** Checks that prod's public endpoint serves the version that the delivery promoted. */
const assertServing = async (
  rehearsal: ScenarioDependencies,
  model: string,
  delivery: string,
): Promise<void> => {
  const deployment = await rehearsal.world.ledger.ofDelivery("prod", model, delivery);
  const { url, body, headers } = await createExampleRequest(rehearsal.world, model);
  const response = await fetch(`${url}/v1/predict`, { method: "POST", headers, body });
  const result: unknown = await response.json();
  const version =
    typeof result === "object" && result !== null && "version" in result ? String(result.version) : "";
  if (!response.ok || version !== String(deployment?.version))
    throw new ScenarioFailed(
      `prod returned status ${response.status} and version ${version}, not version ${deployment?.version}`,
    );
};

/** A request to prod with the first golden row of its version; it works with and without API keys. */
export const createExampleRequest = async (
  world: Pick<ScenarioDependencies["world"], "modelsUrl" | "source" | "secrets" | "ledger">,
  model: string,
): Promise<{ url: string; body: string; headers: Readonly<Record<string, string>> }> => {
  const serving = await world.ledger.serving("prod", model);
  if (!serving) throw new ScenarioFailed(`prod serves no version of ${model}`);
  const golden = await readCommittedGolden(world)(model, serving.commit, { promoted: true });
  return {
    url: `${world.modelsUrl}/prod/models/${model}`,
    body: JSON.stringify({ rows: golden.rows.slice(0, 1) }),
    headers: {
      "content-type": "application/json",
      "x-api-key": await world.secrets.read("CONTROL_TOKEN"),
    },
  };
};
