import { formatAge } from "#cli/format-age.ts";
import { createReportNotes } from "#domain/source-report/report-notes.ts";
import type { Store } from "#platform/store/store.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

type Needs = {
  readonly store: Store;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/**
 * Says what the real calls proved: whether GitHub took the reports so far, and which it refused and why. Undefined where
 * deliveries are not reported.
 */
export const checkReportNotes = async (
  { store, clock }: Needs,
  { SOURCE_REPORTS: as, SOURCE_REPOSITORY: repository }: AwsOutputs,
): Promise<DoctorFinding | undefined> => {
  if (as === undefined) return undefined;
  const notes = createReportNotes({ store, clock });
  const failed = (await notes.list()).flatMap(({ delivery, failure }) =>
    failure ? [{ delivery, ...failure }] : [],
  );
  const [last] = failed.toSorted((one, other) => other.at - one.at);
  if (last)
    return {
      status: "warning",
      sentence: `GitHub does not show ${failed.length === 1 ? last.delivery : `${failed.length} deliveries`} as stored. The last error, ${formatAge(last.at, clock())} at attempt ${last.attempts} for ${last.delivery}: ${last.name}: ${last.message.replace(/\.?$/, ".")}`,
      remedy:
        "The function slipway-report-source repeats it for 7 days, at least every hour; its log has every attempt. docs/github.md has the remedy of each error.",
    };
  const pause = await notes.readPause();
  if (pause !== undefined && pause > clock())
    return {
      status: "pending",
      sentence: `GitHub's rate limit: deliveries are reported again from ${new Date(pause).toISOString()}.`,
    };
  const success = await notes.readSuccess();
  return success === undefined
    ? {
        status: "pending",
        sentence: `Whether the ${as} may create deployments and commit statuses in ${repository}: not checked, because only the report of a delivery proves it, and there was none yet.`,
      }
    : {
        status: "ok",
        sentence: `GitHub took the last report of a delivery ${formatAge(success, clock())}.`,
      };
};
