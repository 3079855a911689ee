import { readConfiguration } from "#cli/doctor/read-configuration.ts";
import { runChecks } from "#cli/doctor/run-checks.ts";
import { checkoutFolder } from "#cli/folders.ts";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

/** What `slipway doctor` says. */
export const checkInstallation = ({ outputs, fetch }: SmokeNeeds): SmokeCheck => ({
  behaviour: "the installation is complete",
  expected: "`slipway doctor --world aws` finds nothing missing",
  aboutAws: false,
  run: async () => {
    const findings = await runChecks({
      outputs: async () => outputs,
      configuration: () => readConfiguration(),
      checkout: checkoutFolder,
      fetch,
    });
    const missing = findings.filter(({ status }) => status === "missing");
    return missing.length === 0
      ? { status: "pass", actual: `${findings.length} findings, none missing` }
      : { status: "fail", actual: missing.map(({ sentence }) => sentence).join(" ") };
  },
});
