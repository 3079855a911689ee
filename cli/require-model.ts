import { environments } from "#platform/serving/serving.ts";
import { GitFailed } from "#platform/source/run-git.ts";
import { CommitNotFound } from "#platform/source/source.ts";
import type { CommandContext } from "./command-world.ts";
import { explainUnknownModel } from "./explain-unknown-model.ts";

type Context = {
  readonly world: Pick<CommandContext["world"], "ledger" | "serving"> & {
    readonly source: Pick<CommandContext["world"]["source"], "commit" | "models">;
  };
  readonly head: string;
};

const listCommittedModels = async ({ world, head }: Context): Promise<readonly string[]> => {
  try {
    return await world.source.models((await world.source.commit(head)).id);
  } catch (error) {
    // A repository without a commit has no models, and neither has a data folder without a repository.
    if (error instanceof CommitNotFound || error instanceof GitFailed) return [];
    throw error;
  }
};

/** Every model of a world: those that an environment serves, and those of the newest commit. */
const listModels = async (context: Context): Promise<readonly string[]> => {
  const names = new Set(await listCommittedModels(context));
  for (const environment of environments)
    for (const name of await context.world.serving[environment].models()) names.add(name);
  return [...names].toSorted();
};

/**
 * Every command that takes a model calls this first. A model is known if an environment has served it, also before it was
 * retired, or if the newest commit has it. Throws ModelUnknown with the nearest name (exit code 2).
 */
export const requireModel = async (context: Context, name: string): Promise<void> => {
  for (const environment of environments)
    if ((await context.world.ledger.entries(environment, name, 1)).length > 0) return;
  const known = await listModels(context);
  if (!known.includes(name)) throw explainUnknownModel(name, known);
};
