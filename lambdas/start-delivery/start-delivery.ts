import * as z from "zod";
import type { PushLog } from "#domain/approval/push-log.ts";
import { isRuntimePath } from "#domain/approval/runtime-paths.ts";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { Digest } from "#platform/images/images.ts";
import type { Source } from "#platform/source/source.ts";
import { CommitId } from "#platform/source/source.ts";
import type { DeliveryInput } from "#statemachine/contracts.ts";
import { createDeliveryName } from "./delivery-name.ts";

type StartDeliveryDependencies = {
  readonly source: Source;
  readonly deliveries: Deliveries;
  readonly pushes: Pick<PushLog, "record" | "recordHand">;
  /**
   * Which runtime images get: the one in this code, which a push may change (`code`), or the one that the platform
   * applied, which a push cannot change (`platform`).
   */
  readonly runtimeOf?: "code" | "platform";
  readonly clock: () => number;
};

/** A push, or a person's request to deliver again. */
export const StartDeliveryInput = z.object({
  /** Distinguishes repositories; part of the execution's name. */
  repository: z.string().min(1),
  /** The commit before the push; null: deliver what `models` lists. */
  before: CommitId.nullable(),
  after: CommitId,
  pusher: z.string().nullable(),
  /** Content hash of the runtime layer that the images get. */
  runtime: Digest,
  /** Above 1: the same push again, as a separate delivery; the same attempt again starts nothing. */
  attempt: z.int().min(1).max(999).default(1),
  /** By hand: who runs the push again; null: not known. The push keeps its pusher. */
  startedBy: z.string().nullable().optional(),
  /** By hand: exactly these models, in a new attempt even if this commit was delivered before. */
  models: z.array(ModelName).optional(),
});
export type StartDeliveryInput = z.input<typeof StartDeliveryInput>;

/** The event is neither a known push nor a person's request. */
export class EventNotUnderstood extends SlipwayError {
  override readonly name = "EventNotUnderstood";
  override readonly retryable = false;
}

export type StartDeliveryOutput = {
  readonly deliveries: readonly {
    readonly name: string;
    readonly model: string;
    readonly started: boolean;
  }[];
  /** Models whose folder the push removed: nothing is delivered; `slipway retire` removes them. */
  readonly removed: readonly string[];
  /** Why a push delivers nothing. */
  readonly ignored?: string;
};

/** Records the push, and starts one execution per affected model; a push without one starts none. */
export const startDelivery =
  ({ source, deliveries, pushes, runtimeOf = "code", clock }: StartDeliveryDependencies) =>
  async (event: unknown): Promise<StartDeliveryOutput> => {
    const {
      repository,
      before,
      after,
      runtime,
      attempt: first,
      models: wanted,
      ...input
    } = parseInput(event);
    const pusher = input.startedBy === undefined ? input.pusher : input.startedBy;
    const isByHand = wanted !== undefined || first > 1;
    // First, and for every push: a later delivery has to know who pushed these commits.
    if (!wanted) await pushes.record({ before, after, by: input.pusher });
    const modelNames = await source.models(after);
    const affected =
      (wanted && [...new Set(wanted)]) ??
      findAffectedModels(await source.changedPaths(before ?? undefined, after), modelNames, runtimeOf);
    const { author } = await source.commit(after);
    const started: { name: string; model: string; started: boolean }[] = [];
    for (const model of affected.filter((name) => modelNames.includes(name))) {
      for (let attempt = first; ; attempt++) {
        const name = createDeliveryName({ repository, model, commit: after, attempt });
        // Before the start: the first state checks who may approve it.
        if (isByHand) await pushes.recordHand({ delivery: name, by: pusher });
        const delivery: DeliveryInput = {
          delivery: name,
          model,
          commit: after,
          runtime,
          pusher,
          author: { name: author.name, email: author.email },
          requestedAt: clock(),
          error: null,
        };
        const result = await deliveries.start(name, delivery);
        if (!result.started && wanted) continue;
        started.push({ name, model, started: result.started });
        break;
      }
    }
    return { deliveries: started, removed: affected.filter((name) => !modelNames.includes(name)) };
  };

const parseInput = (event: unknown) => {
  const read = StartDeliveryInput.safeParse(event);
  if (read.success) return read.data;
  const wrong = read.error.issues.map(({ path, message }) => `${path.join(".") || "the event"}: ${message}`);
  throw new EventNotUnderstood(
    `This starts no delivery: ${wrong.join("; ")}. Send a push as CodeCommit or the workflow deliver.yml does, or by hand {"after": "<commit>", "before": null, "pusher": null, "models": ["<name>"]}; \`slipway deliver <model>\` does that for you.`,
  );
};

const findAffectedModels = (
  paths: readonly string[],
  modelNames: readonly string[],
  runtimeOf: "code" | "platform",
): readonly string[] => {
  if (runtimeOf === "code" && paths.some(isRuntimePath)) return modelNames;
  const touched = paths.flatMap((path) => {
    const name = ModelName.safeParse(path.match(/^models\/([^/]+)\//)?.[1]);
    return name.success ? [name.data] : [];
  });
  return [...new Set(touched)];
};
