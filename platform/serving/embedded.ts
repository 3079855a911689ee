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
  /** Where the gateway answers, without a slash at the end: `http://127.0.0.1:4000`. */
  readonly url: string;
  /** A number in [0, 1) for each call of `live`: below the canary's weight, the canary answers. */
  readonly random: () => number;
};

/** As Serving, and perhaps for bodies of requests that are better not made text of in this process. */
export type EmbeddedServing = Serving & {
  /** Calls `live` with an HTTP event and the bytes of its body. Throws as `invoke`, and EventTooLarge. */
  invokeBytes?(model: string, event: Json, body: HttpBody): Promise<FunctionResponse>;
};

const ConfigItem = z.object({
  digest: z.string(),
  memoryMb: z.number(),
  timeoutSeconds: z.number(),
  variables: z.record(z.string(), z.string()),
});
const FunctionItem = z.object({ latest: z.int().min(0) });
const VersionItem = z.object({ version: z.string(), hash: z.string(), config: ConfigItem });
const ConfigVersionItem = z.object({ version: z.string() });
/** `null` stands where an alias was taken away, so that its revisions never start over. */
const AliasItem = z
  .object({
    version: z.string(),
    canary: z.object({ version: z.string(), weight: z.number() }).optional(),
    description: z.string(),
  })
  .nullable();

const toVersionSort = (version: string) => `version#${version.padStart(10, "0")}`;

/**
 * Serving on one machine: functions, versions and the alias are items of `store`, read anew at every call,
 * so what another process writes counts from the next request on. The functions themselves run in `functions`.
 */
export const createEmbeddedServing = ({
  environment,
  store,
  images,
  functions,
  url,
  random,
}: Needs): EmbeddedServing => {
  const all = `serving#${environment}`;
  const at = (model: string, sort: string): Key => ({ partition: `${all}#${model}`, sort });

  const readFunction = async (model: string): Promise<{ readonly latest: number }> => {
    const stored = await store.get(at(model, "function"));
    if (!stored) throw new NotServed(`there is no function for ${model} in ${environment}`);
    return FunctionItem.parse(stored.value);
  };

  const readVersion = async (model: string, version: string) => {
    const stored = await store.get(at(model, toVersionSort(version)));
    return stored && VersionItem.parse(stored.value);
  };

  const mustHave = async (model: string, version: string): Promise<FunctionVersion> => {
    const found = await readVersion(model, version);
    if (!found) throw new NotServed(`${model} has no version ${version} in ${environment}`);
    return { version: found.version, config: found.config };
  };

  const live = async (model: string): Promise<LiveAlias | undefined> => {
    const stored = await store.get(at(model, "alias"));
    const alias = stored && AliasItem.parse(stored.value);
    return stored && alias ? { ...alias, revision: String(stored.version) } : undefined;
  };

  /** The condition under which a writer who saw `expect` may write the alias; throws where it cannot hold. */
  const expectation = async (model: string, expect: string): Promise<"absent" | number> => {
    const stored = await store.get(at(model, "alias"));
    const seen = !stored || stored.value === null ? "absent" : String(stored.version);
    if (seen !== expect) throw conflict(model, stored);
    return stored?.version ?? "absent";
  };

  const conflict = (model: string, found: StoredItem | undefined) =>
    new RevisionConflict(
      `the alias live of ${model} in ${environment} is at revision ${found?.version ?? "absent"}`,
    );

  /**
   * Versions are claimed one after another by a write where nothing stands. The reader takes `latest` before
   * it looks for the configuration and the writer sets it after, so a version that `latest` counts is always
   * found by its configuration; one written by a process that was killed in between is met and finished here.
   */
  const publish = async (model: string, config: FunctionConfig): Promise<FunctionVersion> => {
    const { latest } = await readFunction(model);
    if (!(await images.describe(config.digest))) throw new NotServed(`there is no image ${config.digest}`);
    const hash = hashConfig(config);
    const named = await store.get(at(model, `config#${hash}`));
    if (named) return mustHave(model, ConfigVersionItem.parse(named.value).version);
    for (let next = latest + 1; ; next++) {
      const version = String(next);
      const value = { version, hash, config: { ...config, variables: { ...config.variables } } };
      const written = await store.put(at(model, toVersionSort(version)), value, { expect: "absent" });
      const standing = written.written ? value : VersionItem.parse(written.found?.value);
      await store.put(at(model, `config#${standing.hash}`), { version });
      await raiseLatest(model, next);
      if (standing.hash === hash) return { version, config: standing.config };
    }
  };

  const raiseLatest = async (model: string, to: number): Promise<void> => {
    for (;;) {
      const stored = await store.get(at(model, "function"));
      if (!stored || FunctionItem.parse(stored.value).latest >= to) return;
      const written = await store.put(stored.key, { latest: to }, { expect: stored.version });
      if (written.written) return;
    }
  };

  /** The version that answers one request to `live`. */
  const drawn = async (model: string): Promise<string> => {
    const alias = await live(model);
    if (!alias) throw new NotServed(`no version of ${model} is live in ${environment}`);
    return alias.canary && random() < alias.canary.weight ? alias.canary.version : alias.version;
  };

  return {
    async ensure(model) {
      await store.put({ partition: all, sort: model }, {}, { expect: "absent" });
      await store.put(at(model, "function"), { latest: 0 }, { expect: "absent" });
      return { url: `${url}/${environment}/models/${model}` };
    },
    publish,
    async version(model, version) {
      const found = await readVersion(model, version);
      return found && { version: found.version, config: found.config };
    },
    live,
    async route(model, alias, { expect }) {
      const condition = await expectation(model, expect);
      await mustHave(model, alias.version);
      if (alias.canary) {
        if (alias.canary.version === alias.version)
          throw new RangeError(`version ${alias.version} cannot be its own canary`);
        if (!(alias.canary.weight >= 0 && alias.canary.weight <= 1))
          throw new RangeError(`a canary's weight is between 0 and 1, not ${alias.canary.weight}`);
        await mustHave(model, alias.canary.version);
      }
      const value = {
        version: alias.version,
        description: alias.description,
        ...(alias.canary && { canary: { version: alias.canary.version, weight: alias.canary.weight } }),
      };
      const written = await store.put(at(model, "alias"), value, { expect: condition });
      if (!written.written) throw conflict(model, written.found);
      return { ...value, revision: String(written.version) };
    },
    async unroute(model, { expect }) {
      const condition = await expectation(model, expect);
      if (condition === "absent") throw conflict(model, undefined);
      const written = await store.put(at(model, "alias"), null, { expect: condition });
      if (!written.written) throw conflict(model, written.found);
    },
    async invoke(model, qualifier, payload) {
      const version = await mustHave(model, qualifier === "live" ? await drawn(model) : qualifier.version);
      const answer = await functions.invoke({ environment, model, version, payload });
      return { ...answer, version: version.version };
    },
    async invokeBytes(model, payload, body) {
      const version = await mustHave(model, await drawn(model));
      return functions.invoke({ environment, model, version, payload, body });
    },
    async retire(model) {
      const alias = await store.get(at(model, "alias"));
      if (alias && alias.value !== null) await store.put(at(model, "alias"), null);
      for (const prefix of ["config#", "version#", "function"])
        for (;;) {
          const { items } = await store.page({
            partition: at(model, "").partition,
            order: "ascending",
            limit: 100,
            prefix,
          });
          if (items.length === 0) break;
          for (const { key } of items) await store.remove(key);
        }
      // The name goes last: a retirement that was interrupted is still listed, and can be run again.
      await store.remove({ partition: all, sort: model });
    },
    async models() {
      const names: string[] = [];
      let after: string | undefined;
      do {
        const page = await store.page({
          partition: all,
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
