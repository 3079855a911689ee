import { shippedAccountIds, shippedAddress } from "#cli/doctor/read-configuration.ts";
import type { Accounts } from "#terraform/read-config.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { Answers } from "./answers.ts";

/** One value of terraform/config.ts: its path and the new value. */
export type ConfigChange = { readonly path: readonly string[]; readonly value: unknown };

/** The external ids of the shipped configuration: unique ones replace them. */
const shippedExternalIds = new Set(["slipway-stage-7d1f5c", "slipway-prod-2b9e60"]);

const toSource = ({ source, branch, reports }: Answers) => {
  const [host = "", repository = ""] = source.split(/:(.*)/s);
  const [as = "", appId, installationId] = reports.split(":");
  if (as === "") return { host, repository, branch };
  return {
    host,
    repository,
    branch,
    reports: as === "app" ? { as, appId, installationId } : { as: "token" },
  };
};

/** The answer that gives this part of the configuration. */
const readReports = (source: Accounts["tooling"]["source"]): string => {
  const reports = source.host === "github" ? source.reports : undefined;
  if (!reports) return "";
  return reports.as === "app" ? `app:${reports.appId}:${reports.installationId}` : "pat";
};

type Email = Accounts["tooling"]["notifications"]["emails"][number];

/** Each address with its events as before; whoever gets only events stays. */
const toEmails = (emails: readonly Email[], addresses: readonly string[]): readonly Email[] => {
  const { events } = emails.find(({ address }) => address === shippedAddress) ?? { events: [] };
  return [
    ...addresses.map((address) => ({
      address,
      alarms: true,
      events: emails.find((email) => email.address === address)?.events ?? events,
    })),
    ...emails.filter(
      ({ address, alarms }) => !alarms && address !== shippedAddress && !addresses.includes(address),
    ),
  ];
};

/** A repository replaces only the repository; otherwise the whole value appears or goes. */
const toCi = (ci: Accounts["tooling"]["ci"], repository: string): ConfigChange => {
  if (repository === "") return { path: ["tooling", "ci"], value: undefined };
  return ci === undefined
    ? { path: ["tooling", "ci"], value: { repository, branch: "main", environment: "infrastructure" } }
    : { path: ["tooling", "ci", "repository"], value: repository };
};

/**
 * The changes that bring the configuration to the answers; what they do not mention stays.
 * @param randomHex six random hex digits, for an external id
 */
export const listConfigChanges = (
  config: Accounts,
  answers: Answers,
  randomHex: () => string,
): readonly ConfigChange[] => {
  const isTrial = answers.tooling === answers.prod;
  const { registry } = config.tooling;
  const wanted: readonly ConfigChange[] = [
    { path: ["tooling", "account"], value: answers.tooling },
    { path: ["tooling", "region"], value: answers.region },
    { path: ["tooling", "trial"], value: isTrial },
    { path: ["tooling", "operators"], value: answers.operators },
    { path: ["tooling", "slack", "channel"], value: answers.slackChannel },
    { path: ["tooling", "slack", "teamId"], value: answers.slackTeam },
    { path: ["tooling", "slack", "appId"], value: answers.slackApp },
    {
      path: ["tooling", "notifications", "emails"],
      value: toEmails(config.tooling.notifications.emails, answers.alarmEmails),
    },
    { path: ["tooling", "source"], value: toSource(answers) },
    toCi(config.tooling.ci, answers.ci),
    ...(registry.kind === "own" && registry.zones.some((zone) => !zone.startsWith(answers.region))
      ? [{ path: ["tooling", "registry", "zones"], value: [`${answers.region}a`, `${answers.region}b`] }]
      : []),
    ...(["stage", "prod"] as const).flatMap((environment) => [
      { path: [environment, "account"], value: answers[environment] },
      { path: [environment, "region"], value: answers.region },
      ...(shippedExternalIds.has(config[environment].externalId)
        ? [{ path: [environment, "externalId"], value: `slipway-${environment}-${randomHex()}` }]
        : []),
    ]),
  ];
  return wanted.filter(
    ({ path, value }) =>
      JSON.stringify(readPath(config, path) ?? (path.at(-1) === "trial" ? false : undefined)) !==
      JSON.stringify(value),
  );
};

const readPath = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => getOwnProperty(Object(inner), key), value);

/** The configuration after the changes. */
export const applyChanges = (config: Accounts, changes: readonly ConfigChange[]): unknown => {
  const changed: unknown = structuredClone(config);
  for (const { path, value } of changes) {
    const parent = readPath(changed, path.slice(0, -1));
    Object.assign(Object(parent), { [path.at(-1) ?? ""]: value });
  }
  return changed;
};

/** The answers that the configuration holds, without the values that Slipway ships. */
export const readEarlierAnswers = (config: Accounts): Partial<Answers> => {
  const { tooling, stage, prod } = config;
  if (shippedAccountIds.has(tooling.account)) return {};
  const { slack, source, ci, operators, notifications } = tooling;
  const alarmEmails = notifications.emails.flatMap(({ address, alarms }) =>
    alarms && address !== shippedAddress ? [address] : [],
  );
  return {
    tooling: tooling.account,
    stage: stage.account,
    prod: prod.account,
    region: tooling.region,
    source: `${source.host}:${source.repository}`,
    branch: source.branch,
    reports: readReports(source),
    slackTeam: slack.teamId,
    slackApp: slack.appId,
    slackChannel: slack.channel,
    operators: [...operators],
    ...(alarmEmails.length === 0 ? {} : { alarmEmails }),
    ci: ci?.repository ?? "",
  };
};
