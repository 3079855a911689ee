import * as z from "zod";
import { type Environment, environments } from "#platform/serving/serving.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { createDeliverySteps } from "./delivery-steps.ts";
import { createDisruptions } from "./disruptions.ts";
import type { FunctionsWorld } from "./functions-world.ts";

const alarmEvent = {
  Records: [{ EventSource: "aws:sns", Sns: { Subject: "an alarm", Message: "it rings" } }],
};

type EventContext = {
  readonly world: FunctionsWorld;
  readonly steps: ReturnType<typeof createDeliverySteps>;
  readonly happens: ReturnType<typeof createDisruptions>;
};
const canaryError = { Error: "CanaryFailed", Cause: "it did worse" };

/** Nothing serves yet: a started version is removed, by RollBack and by the sweep. */
const rollBackFirstVersion = async ({ world, steps, happens }: EventContext): Promise<void> => {
  for (const way of ["roll-back", "sweep-deliveries"]) {
    const subject = await steps.push(way);
    const staged = await steps.onStage(subject, world.digests[1], {
      verified: false,
      onceRegistered: happens.deleteArtifacts,
    });
    await steps.requestApproval(subject, staged, 0);
    await steps.approve(subject, 0);
    await steps.onProd(subject, staged, 0);
    await happens.halfPromoted();
    if (way === "sweep-deliveries") await happens.stop(subject);
    await steps.ask(way, { ...subject, error: canaryError });
  }
};

/** A first version and a better one are promoted, with lost, late and refused responses. */
const promoteVersions = async ({ world, steps, happens }: EventContext): Promise<number> => {
  const { recorder, digests } = world;
  const first = await steps.push("first");
  const tested = await steps.onStage(first, digests[1], { verified: false });
  await steps.requestApproval(first, tested, 0);
  recorder.loseAnswer("SendTaskSuccess");
  await steps.approve(first, 0);
  recorder.loseAnswer("SendTaskSuccess");
  await steps.requestApproval(first, tested, 0);
  const baseline = await steps.promote(first, await steps.onProd(first, tested, 0));
  await steps.ask("move-champion", first);
  world.slack.down = true;
  await steps.ask("report-outcome", { ...first, outcome: "promoted", error: null });
  world.slack.down = false;

  recorder.loseAnswer("StartExecution", happens.stopAll);
  await steps.push("stopped");
  await steps.ask("sweep-deliveries", {});

  const second = await steps.push("second");
  await happens.misleadRoute("stage");
  const better = await steps.onStage(second, digests[2]);
  await steps.requestApproval(second, better, baseline);
  recorder.fail("SendTaskSuccess");
  await steps.approve(second, baseline);
  recorder.fail(undefined);
  recorder.loseAnswer("SendTaskSuccess");
  await steps.ask("sweep-deliveries", {});
  await happens.misleadRoute("prod");
  await happens.deleteAlias();
  const deployed = await steps.onProd(second, better, baseline);
  const { championVersion, functionVersion, fence } = deployed;
  const versions = { championVersion, functionVersion };
  const { since } = await steps.ask("shift-traffic", { ...second, fence, ...versions, step: 0 });
  for (const version of [championVersion, functionVersion]) await happens.traffic(version);
  await steps.ask("judge-canary", { ...second, ...versions, step: 0, since });
  const sequence = await steps.promote(second, deployed);
  // The state machine ends before its next step: the sweep completes the delivery.
  await happens.stop(second);
  await steps.ask("sweep-deliveries", {});

  const third = await steps.push("third");
  const onStage = await steps.onStage(third, digests[1], { verified: false });
  await steps.requestApproval(third, onStage, sequence);
  await steps.approve(third, sequence);
  await steps.onProd(third, onStage, sequence);
  await steps.ask("roll-back", { ...third, error: canaryError });
  return sequence;
};

/** Functions and routes that are missing at a rollback are created again. */
const recreateFunctions = async (
  { world, steps, happens }: EventContext,
  baseline: number,
): Promise<void> => {
  for (const way of ["roll-back", "sweep-deliveries"])
    for (const [misled, gone] of [
      ["stage", "prod"],
      ["prod", "stage"],
    ] as const) {
      const subject = await steps.push(`${way} ${gone}`);
      const { fence } = await steps.claimStage(subject);
      const staged = { digest: world.digests[1], version: 1, stageFence: fence };
      await steps.requestApproval(subject, staged, baseline);
      await steps.approve(subject, baseline);
      await steps.claimProd(subject, staged, baseline);
      await happens.deleteFunctions();
      await happens.misleadRoute(misled);
      await happens.deleteRoute(gone);
      if (way === "sweep-deliveries") await happens.stop(subject);
      await steps.ask(way, { ...subject, error: canaryError });
    }
};

/** An approval that a later delivery withdraws; once the sweep ends its task late. */
const withdrawApproval = async ({ world, steps }: EventContext): Promise<void> => {
  const { recorder, digests } = world;
  const early = await steps.push("early");
  const asked = await steps.onStage(early, digests[2], { verified: false });
  await steps.requestApproval(early, asked, 0);
  const later = await steps.push("later");
  recorder.fail("SendTaskFailure");
  await steps.claimStage(later);
  recorder.fail(undefined);
  recorder.loseAnswer("SendTaskFailure");
  await steps.ask("sweep-deliveries", {});
  const { fence: stageFence } = await steps.claimStage(later);
  await steps.requestApproval(later, { ...asked, stageFence }, 0);
  recorder.loseAnswer("SendTaskFailure");
  await steps.claimStage(await steps.push("last"));
};

const PredictResponse = z.object({ headers: z.record(z.string(), z.string()) });

/** The functions of an environment: an application's requests, and reads of their records. */
const sendRequests = async (
  { world, steps, happens }: EventContext,
  environment: Environment,
): Promise<void> => {
  const asking = {
    version: "2.0",
    type: "REQUEST",
    routeKey: `ANY /models/${toyModel}/{proxy+}`,
    headers: { "x-api-key": await happens.key(environment) },
  };
  const http = (method: string, path: string, more: object = {}) => ({
    version: "2.0",
    rawPath: `/models/churn${path}`,
    headers: {},
    requestContext: { http: { method } },
    ...more,
  });
  const [row] = readChurnGolden().rows;
  const predictOf = (id: string, rows: number) =>
    http("POST", "/v1/predict", {
      headers: { "content-type": "application/json", "x-request-id": id },
      body: JSON.stringify({ rows: Array.from({ length: rows }, () => row) }),
    });
  const predict = (event: object) => steps.ask(`predict@${environment}`, event);
  /**
   * A record that is not written within its second is lost. On a busy machine a new process takes longer to load the
   * writer: the application sends again, and a process that has responded before is fast enough.
   */
  const recorded = async (id: string, rows: number): Promise<string> => {
    const deadline = Date.now() + 180_000;
    let again = 0;
    for (let asked = 1; ; asked = Math.min(8, 2 * asked)) {
      const ids = Array.from({ length: asked }, (_, index) =>
        asked === 1 ? id : `${id}-${++again}-${index}`,
      );
      const { answers, error, lines } = await world.run(
        `predict@${environment}`,
        ...ids.map((own) => predictOf(own, rows)),
      );
      if (error !== "") throw new Error(`no answer of ${rows} rows: ${error}`);
      const written = ids.find((_, index) => {
        const { headers } = PredictResponse.parse(answers[index]);
        return headers["x-storage-warning"] === undefined;
      });
      if (written !== undefined) return written;
      if (Date.now() > deadline)
        throw new Error(`no answer of ${rows} rows was recorded: ${lines.join("\n")}`);
    }
  };
  const show = () => predict(http("GET", "/v1/predictions", { rawQueryString: "limit=2" }));
  await steps.ask(`authorize-key@${environment}`, asking);
  await recorded("small", 1);
  const large = await recorded("large", 101);
  await show();
  await predict(http("GET", `/v1/predictions/${large}.0`));
  await happens.deleteBlobs(environment);
  await show();
  // The next requests restart counters that DynamoDB has not deleted yet.
  // A key's counter is of one minute: what expires has to be that of the request that follows.
  const minute = () => Math.floor(Date.now() / 60_000);
  for (let begun = -1; begun !== minute(); ) {
    begun = minute();
    await steps.ask(`authorize-key@${environment}`, asking);
    await happens.expireCounters(environment);
    await steps.ask(`authorize-key@${environment}`, asking);
  }
  await recorded("small-again", 1);
};

/**
 * Calls every function with the events of typical deliveries, in order: some end before anything is served, some are
 * promoted, stopped, decided late or superseded; responses are lost and resources removed, so that repairs run, too.
 * Returns what failed.
 */
export const sendTypicalEvents = async (world: FunctionsWorld): Promise<readonly string[]> => {
  const steps = createDeliverySteps(world);
  const context = { world, steps, happens: createDisruptions(world) };
  try {
    for (const environment of environments) await sendRequests(context, environment);
    await rollBackFirstVersion(context);
    await withdrawApproval(context);
    const baseline = await promoteVersions(context);
    await recreateFunctions(context, baseline);
    await steps.ask("notify", alarmEvent);
  } catch (cause) {
    throw new Error(`the deliveries stopped early; calls that failed before: ${steps.failed.join("; ")}`, {
      cause,
    });
  }
  return steps.failed;
};
