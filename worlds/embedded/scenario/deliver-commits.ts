import type { Store } from "#platform/store/store.ts";
import type { Steps } from "#worlds/embedded/engine/steps.ts";
import { readMachineCaller } from "#worlds/embedded/operator/machine-identity.ts";
import type { Reporter } from "#worlds/embedded/reporter.ts";
import type { Log } from "#worlds/embedded/world.ts";
import { repositoryName, type WatchedRepository } from "./watched-repository.ts";

type Needs = {
  readonly repository: Pick<WatchedRepository, "head" | "folder">;
  readonly store: Pick<Store, "get" | "put">;
  readonly startDelivery: Steps["startDelivery"];
  /** Content hash of the runtime layer that images get. */
  readonly runtime: string;
  readonly voice: Pick<Reporter, "say">;
  readonly log: Log;
};

const seenKey = { partition: "rehearsal", sort: "seen" };

/**
 * Looks for what was committed since the last look and delivers it; a push that touches no model starts nothing, and
 * says so. Looks follow one another, and what goes wrong in one is told.
 */
export const deliverCommits = ({ repository, store, startDelivery, runtime, voice, log }: Needs) => {
  const look = async (): Promise<void> => {
    const head = await repository.head();
    const seen = await store.get(seenKey);
    const before = typeof seen?.value === "string" ? seen.value : null;
    if (!head || head === before) return;
    const started = await startDelivery({
      repository: repositoryName,
      before,
      after: head,
      pusher: await readMachineCaller(repository.folder),
      runtime,
    });
    await store.put(seenKey, head);
    for (const { name, model, started: fresh } of started.deliveries)
      if (fresh) voice.say(`Delivering ${model} at ${head.slice(0, 12)} as ${name}`);
    for (const model of started.removed)
      voice.say(
        `models/${model} was removed: prod still serves it; \`npx slipway retire ${model}\` takes it off.`,
      );
    if (before !== null && started.deliveries.length === 0 && started.removed.length === 0)
      voice.say(`${head.slice(0, 12)} touches no model: nothing to deliver.`);
  };

  let looking: Promise<void> = Promise.resolve();
  return (): Promise<void> => {
    looking = looking.then(look).catch((fault) => {
      const why = fault instanceof Error ? fault.message : String(fault);
      voice.say(`The last commit could not be delivered: ${why}`);
      log("looking for commits failed", fault);
    });
    return looking;
  };
};
