/** Computes what Slipway costs into docs/cost.md, from the stacks, the code and `domain/cost/prices.ts`: `npm run cost`. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CostLine } from "#domain/cost/sum-cost.ts";
import type { Accounts } from "#terraform/read-config.ts";
import { type SynthesizedStacks, synthStacks } from "#test/infrastructure/synth-stacks.ts";
import { trialAccounts } from "#test/infrastructure/trial-accounts.ts";
import { formatCost } from "./cost/format-cost.ts";
import { listDeliveryLines } from "./cost/list-delivery-lines.ts";
import { listIdleLines } from "./cost/list-idle-lines.ts";
import { listPredictionLines, type Traffic } from "./cost/list-prediction-lines.ts";
import { measureRequest } from "./cost/measure-request.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const document = `${root}docs/cost.md`;
const markers = ["<!-- npm run cost writes from here -->", "<!-- to here -->"] as const;
const million = 1_000_000;

const withStacks = async <T>(
  change: (shipped: Accounts) => Accounts,
  use: (written: SynthesizedStacks) => T | Promise<T>,
): Promise<T> => {
  const written = await synthStacks(change);
  try {
    return await use(written);
  } finally {
    await written.remove();
  }
};

const turnRegistryOff = (shipped: Accounts): Accounts => {
  const { tooling } = shipped;
  if (tooling.registry.kind !== "own") throw new Error("the shipped configuration has its own registry");
  return { ...shipped, tooling: { ...tooling, registry: { ...tooling.registry, running: false } } };
};
/** A trial uses a tracking server that exists. */
const useExistingRegistry = (shipped: Accounts): Accounts => ({
  ...shipped,
  tooling: {
    ...shipped.tooling,
    registry: { kind: "existing", uri: "https://mlflow.example.com" },
  },
});
const listTrialLines = (): Promise<readonly CostLine[]> =>
  withStacks((shipped) => trialAccounts(useExistingRegistry(shipped)), listIdleLines);

const computeTables = async (): Promise<string> => {
  const oneRow = await measureRequest(`${root}models/churn`, 1);
  const tenRows = await measureRequest(`${root}models/churn`, 10);
  return withStacks(
    (shipped) => shipped,
    async (written) => {
      const predict = (caller: Traffic["caller"], perSecond: number, measures = oneRow) =>
        listPredictionLines(written, measures, { requests: million / measures.rows, perSecond, caller });
      return formatCost({
        idle: [
          { name: "everything on", aim: 42, lines: listIdleLines(written) },
          { name: "registry off", aim: 9, lines: await withStacks(turnRegistryOff, listIdleLines) },
          { name: "trial in one account, MLflow elsewhere", aim: 4, lines: await listTrialLines() },
        ],
        delivery: { name: "a delivery", lines: await listDeliveryLines(written) },
        predictions: [
          { name: "with a key, 1 request/s", aim: 4, lines: predict("key", 1) },
          { name: "with a key, 250 requests/s", aim: 4, lines: predict("key", 250) },
          { name: "with a key, 10 rows a request, 1 request/s", aim: 4, lines: predict("key", 1, tenRows) },
          { name: "by a role, 1 request/s", aim: 4, lines: predict("role", 1) },
          { name: "by a role, 250 requests/s", aim: 4, lines: predict("role", 250) },
        ],
      });
    },
  );
};

/** The document with today's tables between its markers. */
export const writeCost = async (text: string): Promise<string> => {
  const [begin, end] = markers.map((marker) => text.indexOf(marker));
  if (begin === undefined || end === undefined || begin < 0 || end < begin)
    throw new Error(`docs/cost.md lacks its markers: ${markers.join(" … ")}`);
  return `${text.slice(0, begin)}${markers[0]}\n${await computeTables()}\n${text.slice(end)}`;
};

if (import.meta.main) writeFileSync(document, await writeCost(readFileSync(document, "utf8")));
