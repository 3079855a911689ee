import { createLedger } from "#domain/ledger/ledger.ts";
import { MoveChampionInput } from "#statemachine/contracts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createImages } from "#worlds/aws/images.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { createStore } from "#worlds/aws/store.ts";
import { Env } from "./env.ts";
import { moveChampion } from "./move-champion.ts";

const world = { env: readEnv(Env), clock: Date.now };
const ledger = createLedger({ store: createStore(world) });

export const handler = createStepHandler(
  "move-champion",
  MoveChampionInput,
  moveChampion({ registry: createRegistry(world), images: createImages(world), ledger }),
);
