import { userInfo } from "node:os";
import { Command, Option } from "commander";
import { type ApiKey, ApplicationName, findKeyState } from "#api-keys/api-key.ts";
import { RateLimit } from "#api-keys/rate-limit.ts";
import { UsageMistake } from "#cli/errors.ts";
import { type KeysLocation, withKeys } from "#cli/open-keys.ts";
import { dataOption, jsonOption, parseCount, parseDuration, parseModelNames } from "#cli/options.ts";
import { paint, print, printJson, printTable } from "#cli/print.ts";
import { type Environment, environments } from "#platform/serving/serving.ts";

type Options = KeysLocation & { readonly environment: Environment; readonly json?: boolean };

const environmentOption = () => new Option("--environment <name>", "stage or prod").choices(environments);
const tableOption = () =>
  new Option("--table <name>", "an environment's DynamoDB table, with AWS's usual credentials").conflicts(
    "data",
  );
const formatDay = (at: number) => new Date(at).toISOString().slice(0, 10);
const formatModels = ({ models }: ApiKey) => (models === "all" ? "all models" : models.join(", "));

/** A key as programs see it: without hashes, times in ISO 8601. */
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
  print("It is shown this once and kept nowhere. The application sends it as the header x-api-key.");
};

const createCommand = (): Command =>
  new Command("create")
    .description("make a key for one application, and print it once")
    .requiredOption("--name <application>", "the application that the key is for")
    .addOption(
      new Option("--models <names>", "models that it may call: churn,transit-time").argParser(
        parseModelNames,
      ),
    )
    .addOption(new Option("--all-models", "every model, also those that come later").conflicts("models"))
    .addOption(environmentOption().default("prod"))
    .addOption(new Option("--per-minute <n>", "requests a minute").default(600).argParser(parseCount))
    .addOption(
      new Option("--burst <n>", "requests at once (default: as many as a minute has)").argParser(parseCount),
    )
    .addOption(
      new Option("--expires <duration>", "void after P90D, say (default: never)").argParser(parseDuration),
    )
    .addOption(jsonOption())
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
          throw new UsageMistake("say which models: --models churn, or --all-models.");
        const rate = RateLimit.safeParse({ perMinute, burst });
        if (!rate.success) throw new UsageMistake(`no such rate: ${rate.error.issues[0]?.message}.`);
        const name = ApplicationName.safeParse(options.name);
        if (!name.success) throw new UsageMistake(`no such name: ${name.error.issues[0]?.message}.`);
        return withKeys({ data, table }, { make: true }, async ({ keys, clock }) => {
          const { key, record } = await keys.create({
            name: name.data,
            environment,
            models,
            rate: rate.data,
            expiresAt: expires === undefined ? null : clock() + expires,
            by: userInfo().username,
          });
          if (json) return printJson({ key, ...toKeyJson(record, clock()) });
          const until =
            record.expiresAt === null ? "" : `, until ${new Date(record.expiresAt).toISOString()}`;
          print(
            `${paint("green", "✓")} Key ${record.id} of ${record.name}: ${formatModels(record)} on ${environment}, ${perMinute} requests a minute${until}.`,
          );
          printKey(key);
        });
      },
    );

const listCommand = (): Command =>
  new Command("list")
    .description("keys with their models, rates and the day of their last use; never their secrets")
    .addOption(environmentOption())
    .addOption(jsonOption())
    .addOption(dataOption())
    .addOption(tableOption())
    .action((options: Partial<Options>) =>
      withKeys(options, { make: false }, async ({ keys, clock }) => {
        const asked = options.environment === undefined ? environments : [options.environment];
        const found = (await Promise.all(asked.map((environment) => keys.list(environment)))).flat();
        if (options.json) return printJson(found.map((key) => toKeyJson(key, clock())));
        if (found.length === 0) return print("There are no keys: every model is open on this machine.");
        printTable(
          ["id", "application", "environment", "models", "a minute", "state", "last used", "expires"],
          found.map((key) => [
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
    .description("a second secret for a key; the one before stays valid for the grace")
    .argument("<id>", "the key's id, as `slipway keys list` shows it")
    .addOption(
      new Option("--grace <duration>", "how long the secret before stays valid; PT0S: it ends now")
        .default(86_400_000, "PT24H")
        .argParser(parseDuration),
    )
    .addOption(environmentOption().default("prod"))
    .addOption(jsonOption())
    .addOption(dataOption())
    .addOption(tableOption())
    .action((id: string, { environment, grace, json, data, table }: Options & { readonly grace: number }) =>
      withKeys({ data, table }, { make: false }, async ({ keys, clock }) => {
        const { key, record } = await keys.rotate(environment, id, {
          graceMs: grace,
          by: userInfo().username,
        });
        if (json) return printJson({ key, ...toKeyJson(record, clock()) });
        const ends = record.secrets[0]?.endsAt;
        print(
          `${paint("green", "✓")} Key ${id} of ${record.name} has a new secret; the one before ${ends ? `is valid until ${new Date(ends).toISOString()}` : "has ended"}.`,
        );
        printKey(key);
      }),
    );

const revokeCommand = (): Command =>
  new Command("revoke")
    .description("end a key at once")
    .argument("<id>", "the key's id, as `slipway keys list` shows it")
    .addOption(environmentOption().default("prod"))
    .addOption(jsonOption())
    .addOption(dataOption())
    .addOption(tableOption())
    .action((id: string, { environment, json, data, table }: Options) =>
      withKeys({ data, table }, { make: false }, async ({ keys, clock }) => {
        const record = await keys.revoke(environment, id, userInfo().username);
        if (json) return printJson(toKeyJson(record, clock()));
        print(
          `${paint("green", "✓")} Key ${id} of ${record.name} is revoked: the next request with it is refused.`,
        );
      }),
    );

/** `slipway keys`: the API keys of applications that call models over HTTP. */
export const keysCommand = (): Command => {
  const keys = new Command("keys").description("API keys of the applications that call models over HTTP");
  for (const command of [createCommand(), listCommand(), rotateCommand(), revokeCommand()])
    keys.addCommand(command.exitOverride().showHelpAfterError());
  return keys;
};
