import { runChecks } from "#cli/doctor/run-checks.ts";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

/** What `slipway doctor` says. */
export const checkInstallation = ({ outputs, fetch }: SmokeNeeds): SmokeCheck => ({
  behaviour: "the installation is complete",
  expected: "`slipway doctor --world aws` finds nothing missing",
  aboutAws: false,
  run: async () => {
    const findings = await runChecks({ outputs: async () => outputs, fetch });
    const missing = findings.filter(({ status }) => status === "missing");
    return missing.length === 0
      ? { status: "pass", actual: `${findings.length} findings, none missing` }
      : { status: "fail", actual: missing.map(({ sentence }) => sentence).join(" ") };
  },
});
