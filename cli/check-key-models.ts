import { existsSync } from "node:fs";
import { join } from "node:path";
import { createClaims } from "#domain/claims/claims.ts";
import type { Store } from "#platform/store/store.ts";
import { explainUnknownModel, findNearestName } from "./explain-unknown-model.ts";
import { checkoutFolder, selectDataFolder } from "./folders.ts";
import { listModelFolders } from "./list-model-folders.ts";
import type { KeysLocation } from "./open-keys.ts";
import { paint, printError } from "./print.ts";

/**
 * Refuses a key for a model that does not exist, because the application would learn that only from its refused requests.
 * A rehearsal's data folder knows its models: ModelUnknown with the nearest name. A table on AWS and the data folder of
 * `slipway serve` do not, so there a name that no folder here has is a warning.
 */
export const checkKeyModels = async (
  models: readonly string[],
  { store, data, table }: KeysLocation & { readonly store: Store },
): Promise<void> => {
  const { repository } = selectDataFolder(data);
  const local = [checkoutFolder, ".", ...(table === undefined ? [repository] : [])].flatMap((folder) =>
    listModelFolders(join(folder, "models")),
  );
  const isRehearsal = table === undefined && existsSync(repository);
  const delivered = isRehearsal ? (await createClaims({ store }).list()).map(({ model }) => model) : [];
  const known = [...local, ...delivered];
  for (const model of models) {
    if (known.includes(model)) continue;
    if (isRehearsal) throw explainUnknownModel(model, known);
    const nearest = findNearestName(model, known);
    printError(
      `${paint("yellow", "!")} no folder models/ here has ${model}.${nearest === undefined ? "" : ` Did you mean ${nearest}?`} The key is created, because it may exist elsewhere: if not, revoke it.`,
    );
  }
};
