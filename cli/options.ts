import { type Command, InvalidArgumentError, Option } from "commander";
import { Duration, durationToSeconds, ModelName } from "#model-folder/manifest/manifest.ts";

/** `--data <folder>`, the same in every command. */
export const dataOption = () =>
  new Option("--data <folder>", "the data folder (default: .slipway beside Slipway)");

export type WorldOptions = {
  readonly data?: string;
  readonly world?: "embedded" | "aws";
  readonly profile?: string;
  readonly outputs?: string;
};

/** `--outputs <file>` and `--profile <name>`: which AWS set-up. */
export const awsOptions = (): readonly Option[] => [
  new Option("--profile <name>", "the profile of the tooling account in AWS's config (with --world aws)"),
  new Option(
    "--outputs <file>",
    "what Terraform made (with --world aws; default: slipway.aws.json beside Slipway, else the parameter /slipway/outputs)",
  ),
];

/** The options by which a command finds the world that it works on. */
export const addWorldOptions = (command: Command): Command => {
  const world = new Option("--world <name>", "a rehearsal's, or AWS")
    .choices(["embedded", "aws"])
    .default("embedded");
  for (const option of [world, ...awsOptions(), dataOption()]) command.addOption(option);
  return command;
};

/** `--json`, on what prints data. */
export const jsonOption = () => new Option("--json", "print JSON, for programs");

export const parseModelName = (text: string): string => {
  const name = ModelName.safeParse(text);
  if (!name.success) throw new InvalidArgumentError(name.error.issues[0]?.message ?? "no model's name");
  return name.data;
};

/** The address of a server, without a slash at its end. */
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

/** `--data-limit <size>`: what a data folder may take before its oldest traffic is forgotten. */
export const dataLimitOption = (): Option =>
  new Option(
    "--data-limit <size>",
    "what the data folder may take; beyond it the oldest prediction records and metrics are forgotten",
  )
    .argParser(parseSize)
    .default(2 * 1_024 ** 3, "2GB");

const factors: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** `500ms`, `3s`, `2m`, `1h`, or `manifest` for what the manifest says. Milliseconds. */
export const parseBake = (text: string): number | undefined => {
  if (text === "manifest") return undefined;
  const [, amount, unit] = text.match(/^(\d+(?:\.\d+)?)(ms|s|m|h)$/) ?? [];
  const factor = factors.get(unit ?? "");
  if (amount === undefined || factor === undefined)
    throw new InvalidArgumentError("write 500ms, 3s, 2m, 1h or manifest");
  const ms = Math.round(Number(amount) * factor);
  // As long as a manifest may ask for; Node's timers overflow after 24.8 days and then do not wait at all.
  if (ms > 86_400_000) throw new InvalidArgumentError("a bake is at most 24h");
  return ms;
};

export const parseTrafficRate = (text: string): number => {
  const rate = text.trim() === "" ? Number.NaN : Number(text);
  if (!(rate >= 0 && rate <= 5_000))
    throw new InvalidArgumentError("requests a second are a number from 0 to 5000");
  return rate;
};

/** Models' names with commas between them. */
export const parseModelNames = (text: string): readonly string[] => text.split(",").map(parseModelName);

/** An ISO 8601 duration such as `PT24H` or `P90D`, at most ten years. Milliseconds. */
export const parseDuration = (text: string): number => {
  const duration = Duration.safeParse(text);
  if (!duration.success) throw new InvalidArgumentError(duration.error.issues[0]?.message ?? "no duration");
  const ms = durationToSeconds(duration.data) * 1_000;
  if (ms > 10 * 365 * 86_400_000) throw new InvalidArgumentError("a duration is at most ten years (P3650D)");
  return ms;
};

/** A whole number from 1 on. */
export const parseCount = (text: string): number => {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError("a whole number from 1 on");
  return count;
};

/** Host names with commas between them, each with a port where only that one is meant. */
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
