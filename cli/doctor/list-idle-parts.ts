import type { Accounts } from "#terraform/read-config.ts";
import type { DoctorFinding } from "./finding.ts";

/** What costs money while nothing is delivered, and where the figures are. */
export const listIdleParts = ({ tooling: { registry, trial } }: Accounts): DoctorFinding => {
  const parts = [
    ...(registry.kind === "own" && registry.running
      ? ["the registry's load balancer", "MLflow on Fargate with a public address"]
      : []),
    ...(registry.kind === "own" ? ["Aurora (paused: its storage and its secret)"] : []),
    `${trial ? 3 : 5} KMS keys`,
    "the alarms",
    "the sweep every 5 minutes",
    "images, artefacts, tables and their backups",
  ];
  const off =
    registry.kind === "own" && registry.running
      ? " `registry.running: false` in terraform/config.ts and an apply of `registry` remove the first two."
      : "";
  return {
    status: "ok",
    sentence: `Without a delivery these cost money: ${parts.join(", ")}. docs/infrastructure.md, "Monthly cost without deliveries", has the figures.${off}`,
  };
};
