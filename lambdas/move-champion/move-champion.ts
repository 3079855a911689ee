import { ContractBroken } from "../../domain/faults.ts";
import type { Ledger } from "../../domain/ledger.ts";
import type { Registry } from "../../platform/registry/registry.ts";
import { MoveChampionInput, type MoveChampionOutput } from "../../statemachine/contracts.ts";

export type Needs = { readonly registry: Registry; readonly ledger: Ledger };

/** Makes the registry's aliases say what the ledger says: champion serves prod, previous_champion is the way back. */
export const moveChampion =
  ({ registry, ledger }: Needs) =>
  async (event: unknown): Promise<MoveChampionOutput> => {
    const { model } = MoveChampionInput.parse(event);
    const serving = await ledger.serving("prod", model);
    if (!serving) throw new ContractBroken(`prod serves no version of ${model}`);
    const previous = serving.previous ? await ledger.at("prod", model, serving.previous) : undefined;
    await registry.setAlias(model, "champion", serving.version);
    await registry.setAlias(model, "previous_champion", previous?.version);
    const challenger = await registry.byAlias(model, "challenger");
    if (challenger?.version === serving.version) await registry.setAlias(model, "challenger", undefined);
    await ledger.change(serving, (current) =>
      current.championMoved ? undefined : { ...current, championMoved: true },
    );
    return { champion: serving.version, previous: previous?.version ?? null };
  };
