import * as z from "zod";
import type { CostLine } from "#domain/cost/sum-cost.ts";
import type { StateName } from "#statemachine/delivery.ts";
import { listResources, type SynthesizedStacks } from "#test/infrastructure/synth-stacks.ts";
import { runDelivery } from "#test/support/statemachine/run-delivery.ts";
import { localDefinition } from "#worlds/embedded/engine/engine.ts";
import { assumptions } from "./assumptions.ts";
import { countLambdaLogBytes } from "./lambda-log-lines.ts";
import { findFunction } from "./list-idle-lines.ts";

const Project = z.looseObject({
  environment: z.looseObject({ compute_type: z.string(), type: z.string() }),
});
const bytesPerGb = 1_000_000_000;

/** Machines that a build may have: their prices are multiples of the smallest one's, as their processors and memory are. */
const machines: ReadonlyMap<string, { readonly factor: number; readonly basis: string }> = new Map([
  ["BUILD_GENERAL1_SMALL", { factor: 1, basis: "" }],
  ["BUILD_GENERAL1_MEDIUM", { factor: 2, basis: " of a MEDIUM machine, which counts as two SMALL ones" }],
]);

const selectSeconds = (state: StateName): number => {
  if (state === "VerifyStage") return assumptions.verifyStepSeconds;
  return /^Deploy/.test(state) ? assumptions.deployStepSeconds : assumptions.stepSeconds;
};

/** The function of a Task state, `deploy-model`; undefined for other states. */
const findStepName = (state: StateName): string | undefined => {
  const found = localDefinition.States[state];
  if (found?.Type !== "Task") return undefined;
  const name =
    "Parameters" in found && "FunctionName" in found.Parameters
      ? found.Parameters.FunctionName
      : found.Resource;
  return /(?:function:|^)(?:slipway-)?([a-z-]+)$/.exec(String(name))?.[1];
};

/** What a delivery with a canary of two steps costs that ends as promoted: its states are run here. */
export const listDeliveryLines = async (written: SynthesizedStacks): Promise<readonly CostLine[]> => {
  const { path, outcome } = await runDelivery({});
  if (outcome !== "promoted") throw new Error(`the sample delivery ended as ${outcome}`);
  const steps = path.flatMap((state) => {
    const name = findStepName(state);
    return name === undefined ? [] : [{ state, ...findFunction(written, name) }];
  });
  const gbSeconds = steps.reduce(
    (sum, { state, memory_size }) => sum + selectSeconds(state) * (memory_size / 1_024),
    0,
  );
  const logBytes = steps.reduce(
    (sum, { logging_config }) =>
      sum +
      assumptions.stepLogBytes +
      countLambdaLogBytes(logging_config.log_format, logging_config.system_log_level),
    0,
  );
  const [[, , project] = []] = listResources(written, "aws_codebuild_project");
  const { compute_type: compute, type } = Project.parse(project).environment;
  const machine = machines.get(compute);
  if (!machine) throw new RangeError(`${compute} has no price: add it to domain/cost/prices.ts`);
  const line = (part: string, price: CostLine["price"], amount: number, basis: string): CostLine => ({
    part,
    price,
    amounts: { tooling: amount },
    basis,
  });
  return [
    // The start of an execution is one more.
    line("transitions", "transition", path.length + 1, `${path.length} states and the start`),
    line(
      "build",
      type === "ARM_CONTAINER" ? "buildArmSmallMinute" : "buildX86SmallMinute",
      machine.factor * assumptions.buildMinutes,
      `${assumptions.buildMinutes} minutes${machine.basis}`,
    ),
    line("steps, requests", "lambdaRequest", steps.length, `${steps.length} calls`),
    line("steps, time", "lambdaArmGbSecond", gbSeconds, `${Math.round(gbSeconds)} GB-seconds`),
    line("steps, log", "logsGb", logBytes / bytesPerGb, `${logBytes} bytes`),
    line("trace", "trace", 1, "one"),
    line("signature", "asymmetricKeyRequest", 3, "one, and each check of it"),
  ];
};
