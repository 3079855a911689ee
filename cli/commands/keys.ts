import { Command, Option } from "commander";
import { type ApiKey, ApplicationName, findKeyState } from "#api-keys/api-key.ts";
import { RateLimit } from "#api-keys/rate-limit.ts";
import { addCommand } from "#cli/add-command.ts";
import { checkKeyModels } from "#cli/check-key-models.ts";
import { UsageMistake } from "#cli/errors.ts";
import { type KeysLocation, withKeys } from "#cli/open-keys.ts";
import { dataOption, jsonOption, parseCount, parseDuration, parseModelNames } from "#cli/options.ts";
import { paint, print, printJson, printTable } from "#cli/print.ts";
import { type Environment, environments } from "#platform/serving/serving.ts";

type Options = KeysLocation & { readonly environment: Environment; readonly json?: boolean };

const environmentOption = () => new Option("--environment <name>", "stage or prod").choices(environments);
const tableOption = () =>
  new Option("--table <name>", "an environment's DynamoDB table; needs AWS credentials").conflicts("data");
const formatDay = (at: number) => new Date(at).toISOString().slice(0, 10);
const formatModels = ({ models }: ApiKey) => (models === "all" ? "all models" : models.join(", "));

/** A key for `--json`: without hashes, times in ISO 8601. */
const toKeyJson = (key: ApiKey, now: number) => ({
  id: key.id,
  name: key.name,
  environment: key.environment,
  models: key.models,
  perMinute: key.rate.perMinute,
  burst: key.rate.burst,
  state: findKeyState(key, now),
  createdAt: new Date(key.createdAt).toISOString(),
  createdBy: key.createdBy,
  expiresAt: key.expiresAt === null ? null : new Date(key.expiresAt).toISOString(),
  lastUsed: key.lastUsed,
  secrets: key.secrets
    .filter(({ endsAt }) => endsAt === null || endsAt > now)
    .map(({ createdAt, endsAt }) => ({
      createdAt: new Date(createdAt).toISOString(),
      endsAt: endsAt === null ? null : new Date(endsAt).toISOString(),
    })),
});

const describeState = (key: ApiKey, now: number): string => {
  const state = findKeyState(key, now);
  return state === "valid" && toKeyJson(key, now).secrets.length > 1 ? "rotating" : state;
};

const printKey = (key: string): void => {
  print(`\n  ${paint("bold", key)}\n`);
  print(
    "Copy it now: it is not stored and not shown again. The application sends it in the header x-api-key.",
  );
};

const createCommand = (): Command =>
  new Command("create")
    .description("create an application's key, and print it once")
    .requiredOption("--name <application>", "the application")
    .addOption(
      new Option("--models <names>", "the models that it may call: churn,transit-time").argParser(
        parseModelNames,
      ),
    )
    .addOption(new Option("--all-models", "it may call every model, later ones included").conflicts("models"))
    .addOption(environmentOption().default("prod"))
    .addOption(new Option("--per-minute <n>", "requests per minute").default(600).argParser(parseCount))
    .addOption(
      new Option("--burst <n>", "requests at once (default: those of one minute)").argParser(parseCount),
    )
    .addOption(
      new Option("--expires <duration>", "lifetime, for example P90D (default: no expiry)").argParser(
        parseDuration,
      ),
    )
    .addOption(jsonOption("the key, its only copy, with id, models, rate and end"))
    .addOption(dataOption())
    .addOption(tableOption())
    .action(
      (
        options: Options & {
          readonly name: string;
          readonly models?: readonly string[];
          readonly allModels?: boolean;
          readonly perMinute: number;
          readonly burst?: number;
          readonly expires?: number;
        },
      ) => {
        const { environment, perMinute, burst = perMinute, expires, data, table, json } = options;
        const models = options.allModels ? "all" : options.models;
        if (models === undefined)
          throw new UsageMistake("choose the models: --models churn, or --all-models.");
        const rate = RateLimit.safeParse({ perMinute, burst });
        if (!rate.success) throw new UsageMistake(`invalid rate: ${rate.error.issues[0]?.message}.`);
        const name = ApplicationName.safeParse(options.name);
        if (!name.success) throw new UsageMistake(`invalid --name: ${name.error.issues[0]?.message}.`);
        return withKeys({ data, table }, { make: true }, async ({ keys, store, clock, caller }) => {
          if (models !== "all") await checkKeyModels(models, { store, data, table });
          const { key, record } = await keys.create({
            name: name.data,
            environment,
            models,
            rate: rate.data,
            expiresAt: expires === undefined ? null : clock() + expires,
            by: await caller(),
          });
          if (json) return printJson({ key, ...toKeyJson(record, clock()) });
          const until =
            record.expiresAt === null ? "" : `, until ${new Date(record.expiresAt).toISOString()}`;
          print(
            `${paint("green", "✓")} Key ${record.id} of ${record.name}: ${formatModels(record)} on ${environment}, ${perMinute} requests per minute${until}.`,
          );
          printKey(key);
        });
      },
    );

const listCommand = (): Command =>
  new Command("list")
    .description("list keys with models, rate and last use; never their secrets")
    .addOption(environmentOption())
    .addOption(jsonOption("the keys with id, models, rate, state and last use"))
    .addOption(dataOption())
    .addOption(tableOption())
    .action((options: Partial<Options>) =>
      withKeys(options, { make: false }, async ({ keys, clock }) => {
        const selected = options.environment === undefined ? environments : [options.environment];
        const records = (await Promise.all(selected.map((environment) => keys.list(environment)))).flat();
        if (options.json) return printJson(records.map((key) => toKeyJson(key, clock())));
        if (records.length === 0)
          return print(
            "No keys. Without a key for it, a rehearsal's model is open to every program on this machine.",
          );
        printTable(
          ["id", "application", "environment", "models", "per minute", "state", "last used", "expires"],
          records.map((key) => [
            key.id,
            key.name,
            key.environment,
            formatModels(key),
            String(key.rate.perMinute),
            describeState(key, clock()),
            key.lastUsed ?? "never",
            key.expiresAt === null ? "never" : formatDay(key.expiresAt),
          ]),
        );
      }),
    );

const rotateCommand = (): Command =>
  new Command("rotate")
    .description("give a key a new secret; the old one stays valid for --grace")
    .argument("<id>", "the key's id, as `slipway keys list` shows it")
    .addOption(
      new Option("--grace <duration>", "how long the old secret stays valid; PT0S: not at all")
        .default(86_400_000, "PT24H")
        .argParser(parseDuration),
    )
    .addOption(environmentOption().default("prod"))
    .addOption(jsonOption("the key with its new secret, the only copy"))
    .addOption(dataOption())
    .addOption(tableOption())
    .action((id: string, { environment, grace, json, data, table }: Options & { readonly grace: number }) =>
      withKeys({ data, table }, { make: false }, async ({ keys, clock, caller }) => {
        const { key, record } = await keys.rotate(environment, id, {
          graceMs: grace,
          by: await caller(),
        });
        if (json) return printJson({ key, ...toKeyJson(record, clock()) });
        const ends = record.secrets[0]?.endsAt;
        print(
          `${paint("green", "✓")} Key ${id} of ${record.name} has a new secret; the old one ${ends ? `is valid until ${new Date(ends).toISOString()}` : "is no longer valid"}.`,
        );
        printKey(key);
      }),
    );

const revokeCommand = (): Command =>
  new Command("revoke")
    .description("revoke a key at once")
    .argument("<id>", "the key's id, as `slipway keys list` shows it")
    .addOption(environmentOption().default("prod"))
    .addOption(jsonOption("the revoked key"))
    .addOption(dataOption())
    .addOption(tableOption())
    .action((id: string, { environment, json, data, table }: Options) =>
      withKeys({ data, table }, { make: false }, async ({ keys, clock, caller }) => {
        const record = await keys.revoke(environment, id, await caller());
        if (json) return printJson(toKeyJson(record, clock()));
        print(
          `${paint("green", "✓")} Key ${id} of ${record.name} is revoked; requests with it are refused from now on.`,
        );
      }),
    );

/** `slipway keys`: the API keys of applications that call models. */
export const keysCommand = (): Command => {
  const keys = new Command("keys").description("manage the API keys of applications that call models");
  for (const command of [createCommand(), listCommand(), rotateCommand(), revokeCommand()])
    addCommand(keys, command);
  return keys;
};
