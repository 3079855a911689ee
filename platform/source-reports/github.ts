import * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { callGitHub, type GitHubCaller } from "./call-github.ts";
import {
  type EnvironmentReport,
  ReportsPaused,
  type SourceReport,
  type SourceReports,
} from "./source-reports.ts";

type Needs = GitHubCaller & {
  /** `owner/name`. */
  readonly repository: string;
};

/** GitHub's largest page. */
const pageSize = 100;
/** GitHub's longest description. */
const maxText = 140;
/** Distinguishes Slipway's deployments from those of others. */
const task = "slipway";

const parsePayload = (payload: unknown): unknown => {
  if (typeof payload !== "string") return payload;
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
};
const Payload = z
  .preprocess(parsePayload, z.object({ delivery: z.string() }))
  .nullable()
  .catch(null);
const Deployment = z.object({ id: z.int(), payload: Payload });
type Deployment = z.infer<typeof Deployment>;
const DeploymentStatus = z.object({
  id: z.int(),
  state: z.string(),
  description: z.string().nullish(),
  log_url: z.string().nullish(),
});
const CommitStatus = z.object({
  state: z.string(),
  context: z.string(),
  description: z.string().nullish(),
  target_url: z.string().nullish(),
});
const Created = z.object({ id: z.int() });

/** GitHub refuses characters outside the Basic Multilingual Plane in descriptions. */
const cut = (text: string): string => {
  const plain = text.replace(/[\u{10000}-\u{10ffff}]/gu, "\u{fffd}");
  return plain.length <= maxText ? plain : `${plain.slice(0, maxText - 1)}…`;
};
/** Each model has environments of its own: GitHub shows one active deployment of an environment. */
const nameEnvironment = (model: string, environment: string): string => `${model}-${environment}`;

/**
 * Deployments and commit statuses of a GitHub repository. A delivery's deployments are found by its name in their payload,
 * so that a call that was repeated, or whose response was lost, makes no second one. It needs the permissions to write
 * deployments and commit statuses, and no other.
 * https://docs.github.com/en/rest/deployments, https://docs.github.com/en/rest/commits/statuses
 */
export const createGitHubReports = ({ repository, ...caller }: Needs): SourceReports => {
  const call = callGitHub(caller);
  const root = `/repos/${repository}`;

  const listDeployments = (environment: string, commit?: string): Promise<readonly Deployment[]> => {
    const query = new URLSearchParams({
      task,
      environment,
      per_page: String(pageSize),
      ...(commit === undefined ? {} : { sha: commit }),
    });
    return call("GET", `${root}/deployments?${query}`, z.array(Deployment));
  };

  const readStatus = async (deployment: number) => {
    const statuses = await call(
      "GET",
      `${root}/deployments/${deployment}/statuses?per_page=${pageSize}`,
      z.array(DeploymentStatus),
    );
    return statuses.toSorted((one, other) => other.id - one.id)[0];
  };

  const writeStatus = async (
    deployment: number,
    { state, text }: Pick<EnvironmentReport, "state" | "text">,
    url: string | undefined,
    before: () => Promise<void> = async () => undefined,
  ): Promise<void> => {
    const current = await readStatus(deployment);
    const description = cut(text);
    const isEqual = current?.state === state && (current.description ?? "") === description;
    if (isEqual && (url === undefined || current.log_url === url)) return;
    if (current?.state !== state) await before();
    await call("POST", `${root}/deployments/${deployment}/statuses`, Created, {
      state,
      description,
      ...(url === undefined ? {} : { log_url: url }),
      // GitHub would leave production environments alone, and end the stage of a newer delivery.
      auto_inactive: false,
    });
  };

  /** The oldest counts: of two writers at the same time, both then continue with the same one. */
  const findOwn = (deployments: readonly Deployment[], delivery: string): readonly Deployment[] =>
    deployments
      .filter(({ payload }) => payload?.delivery === delivery)
      .toSorted((one, other) => one.id - other.id);

  const ensureDeployment = async (
    { delivery, model, commit }: SourceReport,
    { environment }: EnvironmentReport,
  ): Promise<number> => {
    const name = nameEnvironment(model, environment);
    const [found] = findOwn(await listDeployments(name, commit), delivery);
    if (found) return found.id;
    const created = await call("POST", `${root}/deployments`, Created, {
      ref: commit,
      task,
      environment: name,
      payload: { delivery },
      description: `${model} to ${environment}`,
      production_environment: environment === "prod",
      // The delivery has its own gates, and the commit is on the branch already.
      auto_merge: false,
      required_contexts: [],
    });
    const [first, ...duplicates] = findOwn(await listDeployments(name, commit), delivery);
    for (const { id } of duplicates)
      await writeStatus(id, { state: "inactive", text: "Reported twice" }, undefined);
    return first?.id ?? created.id;
  };

  /**
   * What this version has replaced: GitHub ends the deployments of other environments alone. It comes before the own
   * success, so that a run that ended in between is repeated.
   */
  const endOthers = async ({ model, delivery }: SourceReport, environment: string): Promise<void> => {
    for (const { id, payload } of await listDeployments(nameEnvironment(model, environment))) {
      if (payload === null || payload.delivery === delivery) continue;
      // Newest first: what was replaced before has ended then.
      if ((await readStatus(id))?.state !== "success") continue;
      await writeStatus(id, { state: "inactive", text: "Replaced by a later version" }, undefined);
    }
  };

  const showSummary = async ({ model, commit, summary, url }: SourceReport): Promise<void> => {
    const context = `slipway/${model}`;
    const statuses = await call(
      "GET",
      `${root}/commits/${commit}/statuses?per_page=${pageSize}`,
      z.array(CommitStatus),
    );
    const description = cut(summary.text);
    // GitHub lists the latest first.
    const current = statuses.find((status) => status.context === context);
    if (current?.state === summary.state && current.description === description && current.target_url === url)
      return;
    await call("POST", `${root}/statuses/${commit}`, z.object({ state: z.string() }), {
      state: summary.state,
      context,
      description,
      target_url: url,
    });
  };

  const showEnvironment = async (report: SourceReport, environment: EnvironmentReport): Promise<void> => {
    const id = await ensureDeployment(report, environment);
    const endReplaced =
      environment.state === "success" ? () => endOthers(report, environment.environment) : undefined;
    await writeStatus(id, environment, report.url, endReplaced);
  };

  return {
    show: async (report) => {
      const refusals: SlipwayError[] = [];
      // A part that GitHub refuses does not keep the others from being shown: without its commit, a delivery can still end.
      const showPart = async (part: () => Promise<void>): Promise<void> => {
        try {
          await part();
        } catch (error) {
          if (!(error instanceof SlipwayError) || error.retryable || error instanceof ReportsPaused)
            throw error;
          refusals.push(error);
        }
      };
      await showPart(() => showSummary(report));
      for (const environment of report.environments)
        await showPart(() => showEnvironment(report, environment));
      const [refusal] = refusals;
      if (refusal) throw refusal;
    },
  };
};
