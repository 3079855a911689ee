import { Command, Option } from "commander";
import { startDelivery } from "../../lambdas/start-delivery/start-delivery.ts";
import { repositoryName } from "../../rehearsal/watched-repository.ts";
import { UsageMistake } from "../exit-code.ts";
import { withWorld } from "../open-world.ts";
import { dataOption, jsonOption, modelArgument } from "../options.ts";
import { print, printJson } from "../print.ts";

/** `slipway deliver`: by hand, what a push would start. */
export const deliverCommand = (): Command =>
  new Command("deliver")
    .description("deliver a model again, at the newest commit or another")
    .argument("[model]", "the model", modelArgument)
    .addOption(new Option("--all", "every model, after a change of the runtime"))
    .addOption(new Option("--commit <revision>", "a branch, tag or commit").default("HEAD"))
    .addOption(jsonOption())
    .addOption(dataOption())
    .action(
      (
        model: string | undefined,
        options: { all?: boolean; commit: string; json?: boolean; data?: string },
      ) => {
        if ((model === undefined) === (options.all === undefined))
          throw new UsageMistake("name one model, or --all.");
        return withWorld(options.data, async ({ world, runtime }) => {
          const { id } = await world.source.commit(options.commit);
          const models = model === undefined ? [...(await world.source.models(id))] : [model];
          const { deliveries, removed } = await startDelivery(world)({
            repository: repositoryName,
            before: null,
            after: id,
            pusher: null,
            runtime,
            models,
          });
          if (removed.length > 0)
            throw new UsageMistake(`${removed.join(", ")} is not in the repository at ${id.slice(0, 12)}.`);
          if (options.json) return printJson(deliveries);
          for (const { name } of deliveries) print(`Started ${name}: ${world.url}/deliveries/${name}`);
        });
      },
    );
