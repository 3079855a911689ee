import { Command } from "commander";
import { exitCode } from "#cli/exit-code.ts";
import { awsOnlyOptions, jsonOption } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { useProfile } from "#cli/use-profile.ts";

const statusMarks = {
  ok: paint("green", "✓"),
  warning: paint("yellow", "!"),
  missing: paint("red", "✗"),
} as const;

/** `slipway doctor`: what an AWS installation lacks, with remedies. */
export const doctorCommand = (): Command => {
  const command = new Command("doctor").description(
    "find what an AWS installation lacks, and how to fix it; changes nothing, shows no secret",
  );
  for (const option of [...awsOnlyOptions(), jsonOption()]) command.addOption(option);
  return command.action(
    async ({ profile, outputs, json }: { profile?: string; outputs?: string; json?: boolean }) => {
      useProfile(profile);
      const [{ runChecks }, { readAwsOutputs }] = await Promise.all([
        import("#cli/doctor/run-checks.ts"),
        import("#cli/read-aws-outputs.ts"),
      ]);
      const findings = await runChecks({ outputs: () => readAwsOutputs(outputs), fetch });
      const missing = findings.filter(({ status }) => status === "missing").length;
      if (missing > 0) process.exitCode = exitCode.environment;
      if (json) return printJson(findings);
      for (const finding of findings) {
        print(`${statusMarks[finding.status]} ${finding.sentence}`);
        if (finding.status !== "ok") print(`  → ${finding.remedy}`);
      }
      print(missing === 0 ? "Nothing is missing." : `${missing} missing.`);
    },
  );
};
