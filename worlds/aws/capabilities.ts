import type { GroupVariables } from "./environment/variable-groups.ts";
import { createSecrets } from "./secrets.ts";
import { createStore } from "./store.ts";

/**
 * What almost every step needs. Everything else has its own function, for example `createSource(capabilities)`, so that
 * a function's bundle contains only what its handler names.
 */
export const openCapabilities = <Variables extends GroupVariables<"store"> & GroupVariables<"secrets">>(
  env: Variables,
) => {
  const clock = Date.now;
  return { env, clock, store: createStore({ env, clock }), secrets: createSecrets({ env, clock }) };
};
