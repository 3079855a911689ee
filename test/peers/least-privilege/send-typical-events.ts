import * as z from "zod";
import { createEvent } from "#domain/events/create-event.ts";
import { eventSource } from "#platform/events/events.ts";
import { type Environment, environments } from "#platform/serving/serving.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { createDeliverySteps, type DeliveryRef } from "./delivery-steps.ts";
import { createDisruptions } from "./disruptions.ts";
import type { FunctionsWorld } from "./functions-world.ts";
import { showConsolePages } from "./show-console-pages.ts";

const alarmEvent = {
  Records: [{ EventSource: "aws:sns", Sns: { Subject: "an alarm", Message: "the alarm is on" } }],
};

type EventContext = {
  readonly world: FunctionsWorld;
  readonly steps: ReturnType<typeof createDeliverySteps>;
  readonly disruptions: ReturnType<typeof createDisruptions>;
};
const canaryError = { Error: "CanaryFailed", Cause: "more errors than the champion" };

/** Without a champion RollBack and the sweep remove a started version. */
const rollBackFirstVersion = async ({ world, steps, disruptions }: EventContext): Promise<void> => {
  for (const way of ["roll-back", "sweep-deliveries"]) {
    const subject = await steps.push(way);
    const staged = await steps.onStage(subject, world.digests[1], {
      verified: false,
      onceRegistered: disruptions.deleteArtifacts,
    });
    await steps.requestApproval(subject, staged, 0);
    await steps.approve(subject, 0);
    await steps.onProd(subject, staged, 0);
    await disruptions.halfPromoted();
    if (way === "sweep-deliveries") await disruptions.stop(subject);
    await steps.ask(way, { ...subject, error: canaryError });
  }
};

/** Promotes a first and a better version, with lost, late and refused responses. */
const promoteVersions = async ({ world, steps, disruptions }: EventContext): Promise<number> => {
  const { recorder, digests } = world;
  const first = await steps.push("first");
  const staged = await steps.onStage(first, digests[1], { verified: false });
  await steps.requestApproval(first, staged, 0);
  recorder.loseAnswer("SendTaskSuccess");
  await steps.approve(first, 0);
  recorder.loseAnswer("SendTaskSuccess");
  await steps.requestApproval(first, staged, 0);
  const baseline = await steps.promote(first, await steps.onProd(first, staged, 0));
  await steps.ask("move-champion", first);
  world.slack.down = true;
  await steps.ask("report-outcome", { ...first, outcome: "promoted", error: null });
  world.slack.down = false;

  recorder.loseAnswer("StartExecution", disruptions.stopAll);
  await steps.push("stopped");
  await steps.ask("sweep-deliveries", {});

  for (const environment of environments) await disruptions.addSnapshot(environment);
  const second = await steps.push("second");
  await disruptions.misleadRoute("stage");
  const better = await steps.onStage(second, digests[2], { onceDeployed: disruptions.deactivate });
  await steps.requestApproval(second, better, baseline);
  recorder.fail("SendTaskSuccess");
  await steps.approve(second, baseline);
  recorder.fail(undefined);
  recorder.loseAnswer("SendTaskSuccess");
  await steps.ask("sweep-deliveries", {});
  await disruptions.misleadRoute("prod");
  await disruptions.deleteAlias();
  const deployed = await steps.onProd(second, better, baseline);
  const { championVersion, functionVersion, fence } = deployed;
  const versions = { championVersion, functionVersion };
  const { since } = await steps.ask("shift-traffic", {
    ...{ ...second, fence, ...versions, step: 0 },
    waitsWhileClosed: true,
  });
  for (const version of [championVersion, functionVersion]) await disruptions.traffic(version);
  // The share began before, so that the bake is over.
  const bakeMs = 1_800_000;
  await steps.ask("judge-canary", { ...second, ...versions, step: 0, since: Number(since) - bakeMs });
  const sequence = await steps.promote(second, deployed);
  // The state machine ends before its next step: the sweep completes the delivery.
  await disruptions.stop(second);
  await steps.ask("sweep-deliveries", {});

  const third = await steps.push("third");
  const onStage = await steps.onStage(third, digests[1], { verified: false });
  await steps.requestApproval(third, onStage, sequence);
  await steps.approve(third, sequence);
  await steps.onProd(third, onStage, sequence);
  await steps.ask("roll-back", { ...third, error: canaryError });
  return sequence;
};

/** A rollback creates missing functions and routes again. */
const recreateFunctions = async (
  { world, steps, disruptions }: EventContext,
  baseline: number,
): Promise<void> => {
  for (const way of ["roll-back", "sweep-deliveries"])
    for (const [wrongRoute, missingRoute] of [
      ["stage", "prod"],
      ["prod", "stage"],
    ] as const) {
      const subject = await steps.push(`${way} ${missingRoute}`);
      const { fence } = await steps.claimStage(subject);
      const staged = { digest: world.digests[1], version: 1, stageFence: fence };
      await steps.requestApproval(subject, staged, baseline);
      await steps.approve(subject, baseline);
      await steps.claimProd(subject, staged, baseline);
      await disruptions.deleteFunctions();
      await disruptions.misleadRoute(wrongRoute);
      await disruptions.deleteRoute(missingRoute);
      if (way === "sweep-deliveries") await disruptions.stop(subject);
      await steps.ask(way, { ...subject, error: canaryError });
    }
};

/** A later delivery withdraws an approval; in one case the sweep ends its task late. */
const withdrawApproval = async ({ world, steps }: EventContext): Promise<void> => {
  const { recorder, digests } = world;
  const early = await steps.push("early");
  const staged = await steps.onStage(early, digests[2], { verified: false });
  await steps.requestApproval(early, staged, 0);
  const later = await steps.push("later");
  recorder.fail("SendTaskFailure");
  await steps.claimStage(later);
  recorder.fail(undefined);
  recorder.loseAnswer("SendTaskFailure");
  await steps.ask("sweep-deliveries", {});
  const { fence: stageFence } = await steps.claimStage(later);
  await steps.requestApproval(later, { ...staged, stageFence }, 0);
  recorder.loseAnswer("SendTaskFailure");
  await steps.claimStage(await steps.push("last"));
};

/** Deliveries on GitHub: one that goes on, one that ended, and what the schedule repeats. */
const reportDeliveries = async ({ world, steps }: EventContext): Promise<void> => {
  const report = ({ model, delivery, commit }: DeliveryRef) =>
    steps.ask("report-source", {
      source: eventSource,
      detail: createEvent([delivery], Date.now(), { type: "started", model, delivery, commit }),
    });
  const ended = await steps.push("ended");
  const going = await steps.push("going");
  world.github.commits.push(ended.commit, going.commit);
  await steps.ask("report-outcome", { ...ended, outcome: "superseded", error: null });
  await report(ended);
  await report(going);
  await steps.ask("report-source", { "detail-type": "Scheduled Event" });
  const { deployments, violations } = world.github;
  if (violations.length > 0 || deployments.length < 2)
    throw new Error(`GitHub was not told of the deliveries: ${violations.join("; ")}`);
};

const PredictResponse = z.object({ headers: z.record(z.string(), z.string()) });

/** Calls an environment's functions: an application's requests, and reads of their records. */
const sendRequests = async (
  { world, steps, disruptions }: EventContext,
  environment: Environment,
): Promise<void> => {
  const authorizerEvent = {
    version: "2.0",
    type: "REQUEST",
    routeKey: `ANY /models/${toyModel}/{proxy+}`,
    headers: { "x-api-key": await disruptions.key(environment) },
  };
  const http = (method: string, path: string, more: object = {}) => ({
    version: "2.0",
    rawPath: `/models/churn${path}`,
    headers: {},
    requestContext: { http: { method } },
    ...more,
  });
  const [row] = readChurnGolden().rows;
  const createPredictEvent = (id: string, rows: number) =>
    http("POST", "/v1/predict", {
      headers: { "content-type": "application/json", "x-request-id": id },
      body: JSON.stringify({ rows: Array.from({ length: rows }, () => row) }),
    });
  const predict = (event: object) => steps.ask(`predict@${environment}`, event);
  /**
   * A record that is not written within one second is lost. On a busy machine a new process takes longer to load the
   * writer: the application sends again, and a process that responded before is fast enough.
   */
  const predictRecorded = async (id: string, rows: number): Promise<string> => {
    const deadline = Date.now() + 180_000;
    let again = 0;
    for (let count = 1; ; count = Math.min(8, 2 * count)) {
      const ids = Array.from({ length: count }, (_, index) =>
        count === 1 ? id : `${id}-${++again}-${index}`,
      );
      const { answers, error, lines } = await world.run(
        `predict@${environment}`,
        ...ids.map((each) => createPredictEvent(each, rows)),
      );
      if (error !== "") throw new Error(`no response to ${rows} rows: ${error}`);
      const recordedId = ids.find((_, index) => {
        const { headers } = PredictResponse.parse(answers[index]);
        return headers["x-storage-warning"] === undefined;
      });
      if (recordedId !== undefined) return recordedId;
      if (Date.now() > deadline)
        throw new Error(`no response to ${rows} rows was recorded: ${lines.join("\n")}`);
    }
  };
  const show = () => predict(http("GET", "/v1/predictions", { rawQueryString: "limit=2" }));
  await steps.ask(`authorize-key@${environment}`, authorizerEvent);
  await predictRecorded("small", 1);
  const large = await predictRecorded("large", 101);
  await show();
  await predict(http("GET", `/v1/predictions/${large}.0`));
  await disruptions.deleteBlobs(environment);
  await show();
  // The next requests restart counters that DynamoDB has not deleted yet.
  // A key has a counter per minute: the expired counter must be that of the next request.
  const minute = () => Math.floor(Date.now() / 60_000);
  for (let startMinute = -1; startMinute !== minute(); ) {
    startMinute = minute();
    await steps.ask(`authorize-key@${environment}`, authorizerEvent);
    await disruptions.expireCounters(environment);
    await steps.ask(`authorize-key@${environment}`, authorizerEvent);
  }
  await predictRecorded("small-again", 1);
};

/**
 * Calls every function with the events of typical deliveries, in order: some end before a version serves, some are
 * promoted, stopped, decided late or superseded; responses are lost and resources removed, so that repairs also run.
 * Returns the failed calls.
 */
export const sendTypicalEvents = async (world: FunctionsWorld): Promise<readonly string[]> => {
  const steps = createDeliverySteps(world);
  const context = { world, steps, disruptions: createDisruptions(world) };
  try {
    for (const environment of environments) await sendRequests(context, environment);
    await rollBackFirstVersion(context);
    await withdrawApproval(context);
    const baseline = await promoteVersions(context);
    await showConsolePages(world);
    for (const task of ["wake", "find-silence"]) await steps.ask("watch-models", { task });
    await recreateFunctions(context, baseline);
    await reportDeliveries(context);
    await steps.ask("publish-events", {});
    await steps.ask("notify", alarmEvent);
  } catch (cause) {
    throw new Error(`the deliveries stopped early; calls that failed before: ${steps.failed.join("; ")}`, {
      cause,
    });
  }
  return steps.failed;
};
