import { publishEvents } from "#lambdas/publish-events/publish-events.ts";
import type { World } from "#worlds/embedded/world.ts";

/**
 * A step that is followed by publish-events, as the table's stream starts it on AWS; the sweep, which runs every minute, is
 * its schedule. An error there changes no result of the step.
 */
export const publishAfter = (world: Pick<World, "outbox" | "metrics" | "warn" | "clock">) => {
  const publish = publishEvents(world);
  return <Input, Output>(step: (input: Input) => Promise<Output>) =>
    async (input: Input): Promise<Output> => {
      try {
        return await step(input);
      } finally {
        await publish({}).catch((error: unknown) =>
          world.warn("events could not be published; the next step tries again", error),
        );
      }
    };
};
