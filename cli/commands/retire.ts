import { Command, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { print, printJson } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { requireModel } from "#cli/require-model.ts";
import { environments } from "#platform/serving/serving.ts";

/** `slipway retire`: removes a model from both environments. */
export const retireCommand = (): Command =>
  addWorldOptions(new Command("retire"))
    .description(
      "remove a model's functions, aliases and routes from stage and prod; registry and ledger keep its history",
    )
    .argument("<model>", "the model", parseModelName)
    .addOption(new Option("--yes", "remove it; without --yes only show what would be removed"))
    .addOption(jsonOption("environments, and whether the model was removed"))
    .action((model: string, { yes, json, ...options }: { yes?: boolean; json?: boolean } & WorldOptions) =>
      withWorld(options, async (context) => {
        const { world, running, where } = context;
        await requireModel(context, model);
        const open = (await world.claims.open()).find((claim) => claim.model === model);
        if (open)
          throw new UsageMistake(
            `${open.holder} is delivering ${model} to ${open.environment}: ${running ? "wait until it ends (see `slipway status`)." : `it goes on only in a rehearsal. ${where}`}`,
          );
        const serving: ("stage" | "prod")[] = [];
        for (const environment of environments)
          if ((await world.serving[environment].models()).includes(model)) serving.push(environment);
        if (serving.length === 0) throw new UsageMistake(`${model} has no function on stage or prod.`);
        if (yes) {
          showProgress(`Removing ${model} from ${serving.join(" and ")}`);
          for (const environment of serving) await world.serving[environment].retire(model);
          const promoted = await world.ledger.serving("prod", model);
          if (promoted) await world.messages.expect(promoted.delivery);
          await world.ledger.retire(model, world.clock());
          if (promoted) await world.messages.show(promoted.delivery);
          for (const alias of ["champion", "challenger", "previous_champion"] as const)
            await world.registry.setAlias(model, alias, undefined);
        }
        if (json) return printJson({ model, environments: serving, removed: yes ?? false });
        print(
          yes
            ? `${model} was removed from ${serving.join(" and ")}.`
            : `This would remove ${model} from ${serving.join(" and ")}: re-run with --yes.`,
        );
      }),
    );
