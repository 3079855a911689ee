import type { GroupVariables } from "./environment/variable-groups.ts";
import { createSecrets } from "./secrets.ts";
import { createStore } from "./store.ts";

/**
 * What nearly every step stands on. All else is made of it by one function a thing, `createSource(capabilities)` for
 * one, so that a function's bundle holds what its handler names and nothing more.
 */
export const openCapabilities = <Variables extends GroupVariables<"store"> & GroupVariables<"secrets">>(
  env: Variables,
) => {
  const clock = Date.now;
  return { env, clock, store: createStore({ env, clock }), secrets: createSecrets({ env, clock }) };
};
