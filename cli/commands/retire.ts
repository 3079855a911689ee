import { Command, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { print, printJson } from "#cli/print.ts";
import { environments } from "#platform/serving/serving.ts";

/** `slipway retire`: takes a model off both environments. */
export const retireCommand = (): Command =>
  addWorldOptions(new Command("retire"))
    .description(
      "remove a model's functions, aliases and routes from stage and prod; registry and ledger keep their record",
    )
    .argument("<model>", "the model", parseModelName)
    .addOption(new Option("--yes", "do it; without, only say what would be removed"))
    .addOption(jsonOption())
    .action((model: string, { yes, json, ...options }: { yes?: boolean; json?: boolean } & WorldOptions) =>
      withWorld(options, async ({ world }) => {
        const open = (await world.claims.open()).find((claim) => claim.model === model);
        if (open)
          throw new UsageMistake(
            `${open.holder} is delivering ${model} to ${open.environment}: let it end first (slipway status).`,
          );
        const there: ("stage" | "prod")[] = [];
        for (const environment of environments)
          if ((await world.serving[environment].models()).includes(model)) there.push(environment);
        if (there.length === 0) throw new UsageMistake(`${model} has no function on stage or prod.`);
        if (yes) {
          for (const environment of there) await world.serving[environment].retire(model);
          const serving = await world.ledger.serving("prod", model);
          if (serving) await world.messages.expect(serving.delivery);
          await world.ledger.retire(model, world.clock());
          if (serving) await world.messages.show(serving.delivery);
          for (const alias of ["champion", "challenger", "previous_champion"] as const)
            await world.registry.setAlias(model, alias, undefined);
        }
        if (json) return printJson({ model, environments: there, removed: yes ?? false });
        print(
          yes
            ? `${model} was removed from ${there.join(" and ")}.`
            : `This would remove ${model} from ${there.join(" and ")}: say --yes to do it.`,
        );
      }),
    );
