import { Command } from "commander";
import type { CommandContext } from "#cli/command-world.ts";
import { formatAge } from "#cli/format-age.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson, printTable } from "#cli/print.ts";
import { environments } from "#platform/serving/serving.ts";

/** `slipway status`: what each environment serves, the newest deliveries, open approvals. */
export const statusCommand = (): Command =>
  addWorldOptions(new Command("status"))
    .description("show what each environment serves, the newest deliveries, and open approvals")
    .argument("[model]", "only this model", parseModelName)
    .addOption(jsonOption())
    .action((model: string | undefined, { json, ...options }: { json?: boolean } & WorldOptions) =>
      withWorld(options, async (context) => {
        const status = { running: context.running, ...(await readStatus(context, model)) };
        if (json) return printJson(status);
        if (status.serving.length === 0) print("No environment serves a model yet.");
        else
          printTable(
            ["model", "environment", "version", "image", "share", "url"],
            status.serving.map((row) => [
              row.model,
              row.environment,
              String(row.version),
              row.digest.slice(0, 19),
              `${row.percent} %`,
              row.url,
            ]),
          );
        if (status.deliveries.length > 0) {
          print("");
          printTable(
            ["delivery", "started", "state", "outcome", "error"],
            status.deliveries.map((row) => [
              row.delivery,
              formatAge(Date.parse(row.startedAt), Date.now()),
              row.state ?? "",
              row.outcome ?? "",
              row.error?.name ?? "",
            ]),
          );
        }
        for (const { id, delivery } of status.approvals)
          print(`${paint("yellow", "?")} ${delivery} needs approval (${id})`);
        print(paint("dim", context.where));
      }),
    );

const maxShownDeliveries = 10;

/** A delivery is named after its model and its commit; another model's name may begin with this one's. */
const isDeliveryName = (name: string, model: string): boolean =>
  name.startsWith(`${model}-`) && /^[0-9a-f]{12}-/.test(name.slice(model.length + 1));

const readStatus = async ({ world, modelUrl }: CommandContext, only: string | undefined) => {
  const serving: {
    model: string;
    environment: "stage" | "prod";
    version: number;
    digest: string;
    percent: number;
    url: string;
  }[] = [];
  for (const environment of environments)
    for (const model of await world.serving[environment].models()) {
      if (only !== undefined && model !== only) continue;
      const live = await world.serving[environment].live(model);
      if (!live) continue;
      const canary = live.canary ? Math.round(live.canary.weight * 100) : 0;
      for (const [version, percent] of [
        [live.version, 100 - canary],
        ...(live.canary ? [[live.canary.version, canary] as const] : []),
      ] as const) {
        const config = (await world.serving[environment].version(model, version))?.config;
        if (!config) continue;
        serving.push({
          model,
          environment,
          version: Number(config.variables.SLIPWAY_MODEL_VERSION),
          digest: config.digest,
          percent,
          url: modelUrl(environment, model),
        });
      }
    }
  const { executions } = await world.deliveries.list({ limit: maxShownDeliveries });
  const deliveries = await Promise.all(
    executions
      .filter(({ name }) => only === undefined || isDeliveryName(name, only))
      .map(async ({ name, status, startedAt, error }) => {
        const outcome = await world.outcomes.read(name);
        const state = (await world.deliveries.history(name)).at(-1)?.state;
        const cause = outcome ? outcome.error : error;
        return {
          delivery: name,
          startedAt,
          state: status === "RUNNING" ? (state ?? "starting") : null,
          outcome: outcome?.outcome ?? (status === "RUNNING" ? null : "failed"),
          ...(cause ? { error: cause } : {}),
        };
      }),
  );
  const approvals = (await world.approvals.open(only)).map(({ id, delivery, rule, expiresAt }) => ({
    id,
    delivery,
    approvers: rule.approvers,
    expiresAt: new Date(expiresAt).toISOString(),
  }));
  return { serving, deliveries, approvals };
};
