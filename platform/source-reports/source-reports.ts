/** What the host of the source shows of a delivery. */
export type SourceReport = {
  readonly delivery: string;
  readonly model: string;
  readonly commit: string;
  /** The delivery's page. */
  readonly url: string;
  /** Beside the commit. */
  readonly summary: { readonly state: "pending" | "success" | "failure" | "error"; readonly text: string };
  /** Only environments that the delivery has reached. */
  readonly environments: readonly EnvironmentReport[];
};
export type EnvironmentReport = {
  readonly environment: "stage" | "prod";
  /** `inactive`: this version does not serve the environment. */
  readonly state: "pending" | "queued" | "in_progress" | "success" | "failure" | "inactive";
  readonly text: string;
};

/** Shows the state of deliveries where the source is. */
export type SourceReports = {
  /** Brings what is shown to this report; an equal report changes nothing. Throws GitHubRefused and TemporaryFault. */
  show(report: SourceReport): Promise<void>;
};
