import { NotServed, type Serving, type VersionUpkeep } from "./serving.ts";

/** On one machine a process starts with the first call of its version: nothing sleeps, and there are no snapshots. */
export const createEmbeddedUpkeep = ({
  models,
  version: readVersion,
}: Pick<Serving, "models" | "version">): VersionUpkeep => ({
  models,
  async wake(model, version) {
    if (!(await readVersion(model, version))) throw new NotServed(`${model} has no version ${version}`);
    return "never sleeps";
  },
  deleteSnapshots: async () => [],
});
