import { checkAlarmDelivery } from "./check-alarm-delivery.ts";
import { checkBuildCause, checkBuildExports } from "./check-build-cause.ts";
import { checkDatabaseLog } from "./check-database-log.ts";
import { checkInactiveVersion } from "./check-inactive-version.ts";
import { checkInstallation } from "./check-installation.ts";
import { checkDeadLetters, checkExecutedVersion } from "./check-metrics.ts";
import { checkObjectChecksum } from "./check-object-checksum.ts";
import { checkRegistryDelete, checkSignedQuery } from "./check-registry-delete.ts";
import { checkUnauthorized } from "./check-unauthorized.ts";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

/** The behaviours in the table of docs/first-day.md, "What no test could exercise". */
export const readBehaviours = (document: string): readonly string[] => {
  const [, section = ""] = document.split("\n## What no test could exercise\n");
  const [table = ""] = section.split("\n## ");
  return table
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| behaviour |"))
    .map((line) => line.split(" | ")[0]?.slice(2).trim() ?? "");
};

/** A behaviour that nothing can exercise without harm to the installation, or that nobody wrote a check for. */
const reportUnchecked = (behaviour: string): SmokeCheck => ({
  behaviour,
  expected: "as docs/first-day.md says",
  aboutAws: true,
  run: async () => ({ status: "not checked", actual: "there is no safe check: docs/first-day.md" }),
});

/** The checks in order: the installation, then every behaviour of docs/first-day.md. */
export const listSmokeChecks = (needs: SmokeNeeds, document: string): readonly SmokeCheck[] => {
  const checks = [
    checkExecutedVersion,
    checkInactiveVersion,
    checkBuildCause,
    checkBuildExports,
    checkDeadLetters,
    checkAlarmDelivery,
    checkDatabaseLog,
    checkRegistryDelete,
    checkSignedQuery,
    checkUnauthorized,
    checkObjectChecksum,
  ].map((create) => create(needs));
  const unchecked = readBehaviours(document).filter(
    (behaviour) => !checks.some((check) => check.behaviour === behaviour),
  );
  return [checkInstallation(needs), ...checks, ...unchecked.map(reportUnchecked)];
};
