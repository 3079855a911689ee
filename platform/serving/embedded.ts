import * as z from "zod";
import type { Images } from "#platform/images/images.ts";
import type { Json, Key, Store, StoredItem } from "#platform/store/store.ts";
import type { FunctionResponse, Functions, HttpBody } from "./functions.ts";
import { hashConfig } from "./hash-config.ts";
import {
  type Environment,
  type FunctionConfig,
  type FunctionVersion,
  type LiveAlias,
  NotServed,
  RevisionConflict,
  type Serving,
} from "./serving.ts";

type Needs = {
  readonly environment: Environment;
  readonly store: Store;
  readonly images: Pick<Images, "describe">;
  readonly functions: Functions;
  /** The gateway's URL, without a trailing slash: `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Returns a number in [0, 1) for each call of `live`: below the canary's weight, the call goes to the canary. */
  readonly random: () => number;
};

/** Serving that may also accept request bodies as bytes, so that this process does not decode them. */
export type EmbeddedServing = Serving & {
  /** Calls `live` with an HTTP event and the bytes of its body. Throws like `invoke`, and EventTooLarge. */
  invokeBytes?(model: string, event: Json, body: HttpBody): Promise<FunctionResponse>;
};

const ConfigItem = z.object({
  digest: z.string(),
  memoryMb: z.number(),
  timeoutSeconds: z.number(),
  variables: z.record(z.string(), z.string()),
  snapStart: z.exactOptional(z.literal(true)),
});
const FunctionItem = z.object({ latest: z.int().min(0) });
const VersionItem = z.object({ version: z.string(), hash: z.string(), config: ConfigItem });
const ConfigVersionItem = z.object({ version: z.string() });
/** `null` replaces a removed alias, so that its revisions never start over. */
const AliasItem = z
  .object({
    version: z.string(),
    canary: z.object({ version: z.string(), weight: z.number() }).optional(),
    description: z.string(),
  })
  .nullable();

const toVersionSort = (version: string) => `version#${version.padStart(10, "0")}`;

/**
 * Serving on one machine. Functions, versions and the alias are items of `store`; each call reads them again, so changes
 * of another process apply from the next request on. `functions` runs the versions.
 */
export const createEmbeddedServing = ({
  environment,
  store,
  images,
  functions,
  url,
  random,
}: Needs): EmbeddedServing => {
  const functionsPartition = `serving#${environment}`;
  const toKey = (model: string, sort: string): Key => ({ partition: `${functionsPartition}#${model}`, sort });

  const readFunction = async (model: string): Promise<{ readonly latest: number }> => {
    const stored = await store.get(toKey(model, "function"));
    if (!stored) throw new NotServed(`there is no function for ${model} in ${environment}`);
    return FunctionItem.parse(stored.value);
  };

  const readVersion = async (model: string, version: string) => {
    const stored = await store.get(toKey(model, toVersionSort(version)));
    return stored && VersionItem.parse(stored.value);
  };

  const requireVersion = async (model: string, version: string): Promise<FunctionVersion> => {
    const item = await readVersion(model, version);
    if (!item) throw new NotServed(`${model} has no version ${version} in ${environment}`);
    return { version: item.version, config: item.config };
  };

  const live = async (model: string): Promise<LiveAlias | undefined> => {
    const stored = await store.get(toKey(model, "alias"));
    const alias = stored && AliasItem.parse(stored.value);
    return stored && alias ? { ...alias, revision: String(stored.version) } : undefined;
  };

  /** Converts the expected revision to a condition on the store's item; throws RevisionConflict if it is outdated. */
  const toCondition = async (model: string, expect: string): Promise<"absent" | number> => {
    const stored = await store.get(toKey(model, "alias"));
    const revision = !stored || stored.value === null ? "absent" : String(stored.version);
    if (revision !== expect) throw createConflict(model, stored);
    return stored?.version ?? "absent";
  };

  const createConflict = (model: string, stored: StoredItem | undefined) =>
    new RevisionConflict(
      `the alias live of ${model} in ${environment} is at revision ${stored?.version ?? "absent"}`,
    );

  /**
   * A conditional write claims the next version number. This reads `latest` before it looks up the configuration, and
   * sets `latest` after it writes the configuration: so every version up to `latest` is found by its configuration. The
   * loop meets a version of a killed process and completes it.
   */
  const publish = async (model: string, config: FunctionConfig): Promise<FunctionVersion> => {
    const { latest } = await readFunction(model);
    if (!(await images.describe(config.digest))) throw new NotServed(`there is no image ${config.digest}`);
    const hash = hashConfig(config);
    const existing = await store.get(toKey(model, `config#${hash}`));
    if (existing) return requireVersion(model, ConfigVersionItem.parse(existing.value).version);
    for (let next = latest + 1; ; next++) {
      const version = String(next);
      const value = { version, hash, config: { ...config, variables: { ...config.variables } } };
      const result = await store.put(toKey(model, toVersionSort(version)), value, { expect: "absent" });
      const claimed = result.written ? value : VersionItem.parse(result.found?.value);
      await store.put(toKey(model, `config#${claimed.hash}`), { version });
      await raiseLatest(model, next);
      if (claimed.hash === hash) return { version, config: claimed.config };
    }
  };

  const raiseLatest = async (model: string, to: number): Promise<void> => {
    for (;;) {
      const stored = await store.get(toKey(model, "function"));
      if (!stored || FunctionItem.parse(stored.value).latest >= to) return;
      const result = await store.put(stored.key, { latest: to }, { expect: stored.version });
      if (result.written) return;
    }
  };

  /** Draws the version for one request to `live`. */
  const drawVersion = async (model: string): Promise<string> => {
    const alias = await live(model);
    if (!alias) throw new NotServed(`no version of ${model} is live in ${environment}`);
    return alias.canary && random() < alias.canary.weight ? alias.canary.version : alias.version;
  };

  return {
    async ensure(model) {
      await store.put({ partition: functionsPartition, sort: model }, {}, { expect: "absent" });
      await store.put(toKey(model, "function"), { latest: 0 }, { expect: "absent" });
      return { url: `${url}/${environment}/models/${model}` };
    },
    publish,
    async version(model, version) {
      const item = await readVersion(model, version);
      return item && { version: item.version, config: item.config };
    },
    live,
    async route(model, alias, { expect }) {
      const condition = await toCondition(model, expect);
      await requireVersion(model, alias.version);
      if (alias.canary) {
        if (alias.canary.version === alias.version)
          throw new RangeError(`version ${alias.version} cannot be its own canary`);
        if (!(alias.canary.weight >= 0 && alias.canary.weight <= 1))
          throw new RangeError(`invalid canary weight ${alias.canary.weight} (0 to 1)`);
        await requireVersion(model, alias.canary.version);
      }
      const value = {
        version: alias.version,
        description: alias.description,
        ...(alias.canary && { canary: { version: alias.canary.version, weight: alias.canary.weight } }),
      };
      const result = await store.put(toKey(model, "alias"), value, { expect: condition });
      if (!result.written) throw createConflict(model, result.found);
      return { ...value, revision: String(result.version) };
    },
    async unroute(model, { expect }) {
      const condition = await toCondition(model, expect);
      if (condition === "absent") throw createConflict(model, undefined);
      const result = await store.put(toKey(model, "alias"), null, { expect: condition });
      if (!result.written) throw createConflict(model, result.found);
    },
    async invoke(model, qualifier, payload) {
      const version = await requireVersion(
        model,
        qualifier === "live" ? await drawVersion(model) : qualifier.version,
      );
      const byVersion = qualifier === "live" ? {} : { byVersion: true as const };
      const response = await functions.invoke({ environment, model, version, payload, ...byVersion });
      return { ...response, version: version.version };
    },
    async invokeBytes(model, payload, body) {
      const version = await requireVersion(model, await drawVersion(model));
      return functions.invoke({ environment, model, version, payload, body });
    },
    async retire(model) {
      const alias = await store.get(toKey(model, "alias"));
      if (alias && alias.value !== null) await store.put(toKey(model, "alias"), null);
      for (const prefix of ["config#", "version#", "function"])
        for (;;) {
          const { items } = await store.page({
            partition: toKey(model, "").partition,
            order: "ascending",
            limit: 100,
            prefix,
          });
          if (items.length === 0) break;
          for (const { key } of items) await store.remove(key);
        }
      // Remove the name last: an interrupted retirement stays in the list and can run again.
      await store.remove({ partition: functionsPartition, sort: model });
    },
    async models() {
      const names: string[] = [];
      let after: string | undefined;
      do {
        const page = await store.page({
          partition: functionsPartition,
          order: "ascending",
          limit: 100,
          ...(after && { after }),
        });
        names.push(...page.items.map(({ key }) => key.sort));
        after = page.cursor;
      } while (after !== undefined);
      return names;
    },
  };
};
