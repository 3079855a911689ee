import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { SmokeOutcome } from "./run-smoke-checks.ts";

type Run = {
  readonly outcomes: readonly SmokeOutcome[];
  readonly version: string;
  readonly region: string;
  /** Epoch milliseconds. */
  readonly at: number;
};

/** Pass, fail and not checked, in words. */
export const countOutcomes = (outcomes: readonly SmokeOutcome[]): string => {
  const count = (status: SmokeOutcome["status"]) => outcomes.filter((each) => each.status === status).length;
  return `${count("pass")} passed, ${count("fail")} failed, ${count("not checked")} not checked`;
};

/** Replaces what belongs to one installation: account ids, external ids, ids of APIs. */
export const redactOutputs = (text: string, outputs: AwsOutputs): string => {
  const names: readonly (readonly [string, string])[] = [
    [outputs.STAGE_EXTERNAL_ID, "<external id>"],
    [outputs.PROD_EXTERNAL_ID, "<external id>"],
    [outputs.STAGE_HTTP_API_ID, "<api>"],
    [outputs.PROD_HTTP_API_ID, "<api>"],
  ];
  return names
    .reduce((redacted, [value, name]) => redacted.replaceAll(value, name), text)
    .replace(/\b\d{12}\b/g, "<account>")
    .replace(/\/\/[a-z0-9]+\.execute-api\./g, "//<api>.execute-api.");
};

const toCell = (text: string): string => text.replaceAll("|", "\\|").replace(/\s+/g, " ").trim();

/** The report as Markdown, for an issue. */
export const formatSmokeReport = ({ outcomes, version, region, at }: Run): string =>
  [
    `# smoke:aws, ${new Date(at).toISOString().slice(0, 10)}`,
    `Slipway ${version}, ${region}: ${countOutcomes(outcomes)}.`,
    [
      "| result | behaviour | expected | actual |",
      "|---|---|---|---|",
      ...outcomes.map(
        ({ status, behaviour, expected, actual }) =>
          `| ${[status, behaviour, expected, actual].map(toCell).join(" | ")} |`,
      ),
    ].join("\n"),
    "",
  ].join("\n\n");
