import { SlipwayError } from "#platform/errors/slipway-error.ts";

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
  /** `success`: this version serves the environment; `inactive`: it does not. */
  readonly state: "pending" | "queued" | "in_progress" | "success" | "failure" | "inactive";
  readonly text: string;
};

/** Shows the state of deliveries where the source is. */
export type SourceReports = {
  /**
   * Brings what is shown to this report; an equal report changes nothing. Throws ReportsPaused, TemporaryFault,
   * CommitNotFound for a commit that the host no longer has, and GitHubRefused with the remedy.
   */
  show(report: SourceReport): Promise<void>;
};

/** The host's rate limit: it takes no report before `until` (epoch milliseconds). */
export class ReportsPaused extends SlipwayError {
  override readonly name = "ReportsPaused";
  // No state machine meets it: the schedule tries again after `until`.
  override readonly retryable = false;
  readonly until: number;
  constructor(message: string, until: number) {
    super(message);
    this.until = until;
  }
}
