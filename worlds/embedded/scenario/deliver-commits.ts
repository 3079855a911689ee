import type { Store } from "#platform/store/store.ts";
import type { Log } from "#worlds/embedded/capabilities.ts";
import type { Steps } from "#worlds/embedded/engine/steps.ts";
import { readMachineCaller } from "#worlds/embedded/operator/machine-identity.ts";
import type { Reporter } from "#worlds/embedded/reporter.ts";
import { repositoryName, type WatchedRepository } from "./watched-repository.ts";

type Needs = {
  readonly repository: Pick<WatchedRepository, "head" | "folder">;
  readonly store: Pick<Store, "get" | "put">;
  readonly startDelivery: Steps["startDelivery"];
  /** Content hash of the runtime layer that images get. */
  readonly runtime: string;
  readonly reporter: Pick<Reporter, "say">;
  readonly log: Log;
};

const seenKey = { partition: "rehearsal", sort: "seen" };

/**
 * Returns a function that delivers new commits. Its calls run one after the other, and it reports errors. A commit that
 * changes no model starts nothing.
 */
export const deliverCommits = ({ repository, store, startDelivery, runtime, reporter, log }: Needs) => {
  const deliverNewCommits = async (): Promise<void> => {
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
    for (const { name, model, started: isNew } of started.deliveries)
      if (isNew) reporter.say(`Delivering ${model} at ${head.slice(0, 12)}: ${name}`);
    for (const model of started.removed)
      reporter.say(
        `models/${model} was removed, but prod still serves it: remove it with \`npx slipway retire ${model} --yes\`.`,
      );
    if (before !== null && started.deliveries.length === 0 && started.removed.length === 0)
      reporter.say(`${head.slice(0, 12)} changes no model: nothing to deliver.`);
  };

  let last: Promise<void> = Promise.resolve();
  return (): Promise<void> => {
    last = last.then(deliverNewCommits).catch((error) => {
      const reason = error instanceof Error ? error.message : String(error);
      reporter.say(`The newest commit could not be delivered: ${reason}`);
      log("delivering new commits failed", error);
    });
    return last;
  };
};
