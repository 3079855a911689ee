import { type Command, InvalidArgumentError, Option } from "commander";
import { Duration, durationToSeconds, ModelName } from "#model-folder/manifest/manifest.ts";

/** `--data <folder>`, the same in every command. */
export const dataOption = () =>
  new Option("--data <folder>", "the data folder (default: .slipway in Slipway's folder)");

export type WorldOptions = {
  readonly data?: string;
  readonly world?: "embedded" | "aws";
  readonly profile?: string;
  readonly outputs?: string;
};

/** `--outputs <file>` and `--profile <name>`: which AWS installation. */
const awsOptions = (): readonly Option[] => [
  new Option("--profile <name>", "the AWS profile of the tooling account (with --world aws)"),
  new Option(
    "--outputs <file>",
    "Terraform's outputs (with --world aws; default: slipway.aws.json in Slipway's folder, otherwise the parameter /slipway/outputs)",
  ),
];

/** The options of a command that is about an AWS installation alone; it takes `--world aws` as the others do. */
export const awsOnlyOptions = (): readonly Option[] => [
  new Option("--world <name>", "only aws has this command").choices(["aws"]).default("aws"),
  ...awsOptions(),
];

/** The options that choose the world of a command. */
export const addWorldOptions = (command: Command): Command => {
  const world = new Option(
    "--world <name>",
    "where deliveries run: on this machine (embedded) or on AWS (aws)",
  )
    .choices(["embedded", "aws"])
    .default("embedded");
  for (const option of [world, ...awsOptions(), dataOption()]) command.addOption(option);
  return command;
};

/**
 * `--json`, which every command has: the result on stdout, or `{ "error": { "name", "message", "remedy" } }` with the same
 * exit code.
 * @param what what is printed, for --help
 */
export const jsonOption = (what: string) => new Option("--json", `print JSON: ${what}`);

export const parseModelName = (text: string): string => {
  const name = ModelName.safeParse(text);
  if (!name.success) throw new InvalidArgumentError(name.error.issues[0]?.message ?? "not a model name");
  return name.data;
};

/** The URL of a server, without a trailing slash. */
export const parseServerUrl = (text: string): string => {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError("write http://host:port");
  return text.replace(/\/+$/, "");
};

export const parsePort = (text: string): number => {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidArgumentError("a port is a number from 0 to 65535");
  return port;
};

/** `500MB`, `2GB`. Bytes. */
const parseSize = (text: string): number => {
  const [, amount, unit] = text.match(/^(\d+(?:\.\d+)?)(MB|GB)$/) ?? [];
  const bytes = Math.round(Number(amount) * 1_024 ** (unit === "GB" ? 3 : 2));
  if (!(bytes >= 100 * 1_024 ** 2)) throw new InvalidArgumentError("write 500MB or 2GB, at least 100MB");
  return bytes;
};

/** `--data-limit <size>`: the largest size of a data folder; beyond it the oldest traffic is deleted. */
export const dataLimitOption = (): Option =>
  new Option(
    "--data-limit <size>",
    "the largest size of the data folder; beyond it the oldest prediction records and metrics are deleted",
  )
    .argParser(parseSize)
    .default(2 * 1_024 ** 3, "2GB");

const factors: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** `500ms`, `3s`, `2m`, `1h`, in milliseconds; or `manifest` for the manifest's time (commander makes "" of undefined). */
export const parseBake = (text: string): number | "manifest" => {
  if (text === "manifest") return "manifest";
  const [, amount, unit] = text.match(/^(\d+(?:\.\d+)?)(ms|s|m|h)$/) ?? [];
  const factor = factors.get(unit ?? "");
  if (amount === undefined || factor === undefined)
    throw new InvalidArgumentError("write 500ms, 3s, 2m, 1h or manifest");
  const ms = Math.round(Number(amount) * factor);
  // The manifest's own limit. Beyond 24.8 days Node's timers overflow and fire at once.
  if (ms > 86_400_000) throw new InvalidArgumentError("a bake is at most 24h");
  return ms;
};

export const parseTrafficRate = (text: string): number => {
  const rate = text.trim() === "" ? Number.NaN : Number(text);
  if (!(rate >= 0 && rate <= 5_000))
    throw new InvalidArgumentError("write requests per second, a number from 0 to 5000");
  return rate;
};

/** Model names, separated by commas. */
export const parseModelNames = (text: string): readonly string[] => text.split(",").map(parseModelName);

/** What people type instead of ISO 8601. */
const shortDuration = /^(\d+(?:\.\d+)?)(m|h|d)$/;

/** Whether a text looks like a duration, not like a time. */
export const isDurationText = (text: string): boolean => text.startsWith("P") || shortDuration.test(text);

const readDuration = (text: string): number => {
  const [, amount, unit] = shortDuration.exec(text) ?? [];
  if (unit !== undefined)
    return Math.round(Number(amount) * (unit === "d" ? 86_400_000 : (factors.get(unit) ?? 0)));
  const duration = Duration.safeParse(text);
  if (!duration.success)
    throw new InvalidArgumentError("write 30m, 2h or 3d, or an ISO 8601 duration (PT30M, P3D)");
  return durationToSeconds(duration.data) * 1_000;
};

/** `30m`, `24h`, `90d`, or an ISO 8601 duration (`PT24H`, `P90D`), at most ten years. Milliseconds. */
export const parseDuration = (text: string): number => {
  const ms = readDuration(text);
  if (ms > 10 * 365 * 86_400_000) throw new InvalidArgumentError("a duration is at most ten years (P3650D)");
  return ms;
};

/** A whole number, 1 or more. */
export const parseCount = (text: string): number => {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError("write a whole number, 1 or more");
  return count;
};

/** Host names, separated by commas; one with a port allows only that port. */
export const parseHostNames = (text: string): readonly string[] => {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  for (const name of names)
    if (!/^([\w-]+(\.[\w-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/i.test(name))
      throw new InvalidArgumentError(`write models.example.com or models.example.com:8443, not ${name}`);
  return names;
};
