import type { Context } from "aws-lambda";
import * as z from "zod";
import { normalizeError } from "#domain/delivery/normalize-error.ts";
import { EnvironmentName } from "#platform/serving/serving.ts";
import { Subject } from "#statemachine/contracts.ts";
import type { StepName } from "#statemachine/delivery.ts";
import { log } from "./log.ts";
import { redactError } from "./redact-error.ts";
import { traceStep } from "./trace-step.ts";

type Options<Output> = {
  /** Where the step works, if its events do not say so. */
  readonly environment?: "stage" | "prod" | "tooling";
  /** A step on several deliveries: what to log about each, in a separate line. */
  readonly each?: (output: Output) => readonly { readonly delivery: string }[];
  /** What is counted for each result, also for a result that a retry repeats. */
  readonly counted?: (output: Output, model: string) => void;
};

/** What an event says about itself, each field only in its exact form: no free text gets into the log. */
const EventContext = z
  .object({
    delivery: Subject.shape.delivery.optional().catch(undefined),
    model: Subject.shape.model.optional().catch(undefined),
    environment: EnvironmentName.optional().catch(undefined),
  })
  .catch({});

/** What the log may contain of a result: our words and numbers. Rows, reasons and names of people stay out. */
const LoggedOutput = z
  .object({
    status: z.string(),
    verdict: z.string(),
    next: z.string(),
    outcome: z.string(),
    statusCode: z.number(),
    ignored: z.string(),
    fence: z.number(),
    step: z.number(),
    share: z.number(),
    version: z.number(),
    functionVersion: z.string(),
    digest: z.string(),
    sequence: z.number(),
    published: z.number(),
    champion: z.number(),
    committed: z.boolean(),
  })
  .partial()
  .catch({});

const dropUndefined = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** The runtime logs every property of an error that leaves a function, and Catch reads only the name. */
const stripError = (error: unknown): Error => {
  const { name, message } = redactError(error, 10_000);
  const stripped = new Error(message);
  stripped.name = name;
  // The stack's first lines repeat the message as it was before the redaction.
  const frames = error instanceof Error ? error.stack?.match(/\n {4}at .*/g) : undefined;
  if (frames) stripped.stack = `${name}: ${message}${frames.join("")}`;
  return stripped;
};

/**
 * A function as Lambda calls it: each log line carries step, delivery, model and environment, X-Ray's trace contains
 * the call, and an error leaves with only its name, message and stack.
 */
export const createFunctionHandler =
  <Output>(
    step: string,
    work: (event: unknown) => Promise<Output>,
    { environment = "tooling", each = () => [], counted }: Options<Output> = {},
  ) =>
  async (event: unknown, context?: Context): Promise<Output> => {
    const about: Readonly<Record<string, unknown>> = {
      environment,
      ...dropUndefined(EventContext.parse(event)),
    };
    log.resetKeys();
    log.appendKeys({ step, ...about });
    if (context) log.addContext(context);
    const began = performance.now();
    const tookMs = () => Math.round(performance.now() - began);
    try {
      const output = await traceStep(step, about, async () => work(event));
      counted?.(output, String(about.model));
      for (const line of each(output)) log.info("looked after a delivery", line);
      log.info("the step is done", { ...dropUndefined(LoggedOutput.parse(output)), tookMs: tookMs() });
      return output;
    } catch (thrown) {
      const error = normalizeError(thrown);
      log.error("the step failed", { fault: redactError(error), tookMs: tookMs() });
      throw stripError(error);
    }
  };

/** A step of the state machine: its event is parsed once, here; an event outside its contract is ContractBroken. */
export const createStepHandler = <Input, Output>(
  step: StepName,
  input: z.ZodType<Input>,
  work: (input: Input) => Promise<Output>,
  options: Options<Output> = {},
) => createFunctionHandler(step, async (event) => work(input.parse(event)), options);
