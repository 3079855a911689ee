import { Command, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { requireModel } from "#cli/require-model.ts";
import { formatRejection } from "#domain/message/format-rejection.ts";
import { startDelivery } from "#lambdas/start-delivery/start-delivery.ts";
import { escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";

/** `slipway deliver`: starts the deliveries that a push would start. */
export const deliverCommand = (): Command =>
  addWorldOptions(new Command("deliver"))
    .description("deliver a model again, at the newest commit or another")
    .argument("[model]", "the model", parseModelName)
    .addOption(new Option("--all", "every model, after a change of the runtime"))
    .addOption(new Option("--commit <revision>", "a branch, tag or commit (default: the newest commit)"))
    .addOption(jsonOption("the started deliveries"))
    .action(
      (
        model: string | undefined,
        options: { all?: boolean; commit?: string; json?: boolean } & WorldOptions,
      ) => {
        if ((model === undefined) === (options.all === undefined))
          throw new UsageMistake("name one model, or use --all.");
        return withWorld(options, async (context) => {
          const { world, runtime, repository, head, deliveryUrl, caller } = context;
          const { id } = await world.source.commit(options.commit ?? head);
          if (model !== undefined) await requireModel({ world, head: id }, model);
          const models = model === undefined ? [...(await world.source.models(id))] : [model];
          showProgress(
            `Starting ${models.length === 1 ? `the delivery of ${models[0]}` : `${models.length} deliveries`}`,
          );
          const { deliveries, removed } = await startDelivery(world)({
            repository,
            before: null,
            after: id,
            pusher: await caller(),
            runtime: await runtime(),
            models,
          });
          if (removed.length > 0)
            throw new UsageMistake(
              `the repository has no model ${removed.join(", ")} at ${id.slice(0, 12)}: commit it under models/, or choose a commit that has it with --commit.`,
            );
          const started = await Promise.all(
            deliveries.map(async (delivery) => {
              const { model, name } = delivery;
              const rejectedBefore = await world.findRejection({ model, commit: id, delivery: name });
              return { ...delivery, ...(rejectedBefore && { rejectedBefore }) };
            }),
          );
          if (options.json) return printJson(started);
          for (const { name, rejectedBefore } of started) {
            print(`Started ${name}: ${deliveryUrl(name)}`);
            if (rejectedBefore)
              print(
                `${paint("yellow", "!")} ${escapeTerminalLine(formatRejection(rejectedBefore))}. The approvers see this, too.`,
              );
          }
        });
      },
    );
