import { Command } from "commander";
import type { CommandContext } from "#cli/command-world.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { paint, print, printJson, printTable } from "#cli/print.ts";
import { environments } from "#platform/serving/serving.ts";

/** `slipway status`: what serves where, what is under way, what waits for an answer. */
export const statusCommand = (): Command =>
  addWorldOptions(new Command("status"))
    .description("what serves where, which deliveries run, what waits for an approval")
    .argument("[model]", "only this model", parseModelName)
    .addOption(jsonOption())
    .action((model: string | undefined, { json, ...options }: { json?: boolean } & WorldOptions) =>
      withWorld(options, async (opened) => {
        const status = { running: opened.running, ...(await readStatus(opened, model)) };
        if (json) return printJson(status);
        if (status.serving.length === 0) print("Nothing is served yet.");
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
            ["delivery", "state", "outcome", "error"],
            status.deliveries.map((row) => [
              row.delivery,
              row.state ?? "",
              row.outcome ?? "",
              row.error?.name ?? "",
            ]),
          );
        }
        for (const { id, delivery } of status.approvals)
          print(`${paint("yellow", "?")} ${delivery} waits for an answer (${id})`);
        print(paint("dim", opened.where));
      }),
    );

const maxShownDeliveries = 10;

const readStatus = async ({ world, urlOf }: CommandContext, only: string | undefined) => {
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
          url: urlOf(environment, model),
        });
      }
    }
  const { executions } = await world.deliveries.list({ limit: maxShownDeliveries });
  const deliveries = await Promise.all(
    executions
      .filter(({ name }) => only === undefined || name.startsWith(`${only}-`))
      .map(async ({ name, status, startedAt, error }) => {
        const ended = await world.outcomes.read(name);
        const state = (await world.deliveries.history(name)).at(-1)?.state;
        const fault = ended ? ended.error : error;
        return {
          delivery: name,
          startedAt,
          state: status === "RUNNING" ? (state ?? "starting") : null,
          outcome: ended?.outcome ?? (status === "RUNNING" ? null : "failed"),
          ...(fault ? { error: fault } : {}),
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
