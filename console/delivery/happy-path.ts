import type { Outcome } from "#domain/delivery/outcomes.ts";
import type { StateName } from "#statemachine/delivery.ts";
import type { StateRun } from "./read-state-runs.ts";

/** The seven boxes that a delivery passes when all goes well. */
const boxNames = ["Build", "Scan", "Stage", "Verify", "Approval", "Canary", "Prod"] as const;
type BoxName = (typeof boxNames)[number];

export type Box = {
  readonly name: BoxName;
  /**
   * `failed`, `stopped`: the delivery ended here, by an error or without one. `skipped`: a model's first version has no
   * canary. `unreached`: the delivery ended before.
   */
  readonly status: "done" | "current" | "failed" | "stopped" | "waiting" | "skipped" | "unreached";
  /** Milliseconds in its states so far; null: none began. */
  readonly ms: number | null;
};

const boxStates: Readonly<Record<BoxName, readonly StateName[]>> = {
  Build: ["ClaimStage", "BuildImage"],
  Scan: ["ScanImage", "AwaitScan", "RegisterModel"],
  Stage: ["DeployStage"],
  Verify: ["VerifyStage"],
  Approval: ["RequestApproval"],
  Canary: [
    "ClaimProd",
    "AwaitProd",
    "AwaitOpening",
    "DeployProd",
    "ShiftTraffic",
    "Bake",
    "JudgeCanary",
    "RequestCanaryApproval",
    "ResumeCanary",
    "HoldResumedCanary",
  ],
  Prod: ["PromoteModel", "MoveChampion"],
};
const boxOf = new Map<string, BoxName>(
  boxNames.flatMap((name) => boxStates[name].map((state) => [state, name] as const)),
);

/** The box that a state belongs to; undefined: it belongs to none, as the rollback does. */
const findBox = (state: string): BoxName | undefined => boxOf.get(state);

/**
 * Where a delivery is on its happy path.
 * @param outcome null: it is under way
 * @param now epoch milliseconds
 */
export const deriveBoxes = (
  runs: readonly StateRun[],
  outcome: Outcome | null,
  now: number,
): readonly Box[] => {
  const known = runs.flatMap((run) => {
    const box = findBox(run.state);
    return box === undefined ? [] : [{ box, run }];
  });
  const last = known.at(-1);
  const at = last === undefined ? -1 : boxNames.indexOf(last.box);
  return boxNames.map((name, index): Box => {
    const mine = known.filter(({ box }) => box === name).map(({ run }) => run);
    const ms =
      mine.length === 0
        ? null
        : mine.reduce(
            (sum, { ms, from, status }) =>
              sum + (ms ?? (status === "running" ? Math.max(0, now - Date.parse(from)) : 0)),
            0,
          );
    const shifted = known.some(({ run }) => run.state === "ShiftTraffic");
    const status = ((): Box["status"] => {
      if (outcome === "promoted") return name === "Canary" && !shifted ? "skipped" : "done";
      if (index < at) return name === "Canary" && !shifted ? "skipped" : "done";
      if (outcome === null) return index === at ? "current" : "waiting";
      if (index > at) return "unreached";
      return outcome === "failed" ? "failed" : "stopped";
    })();
    return { name, status, ms };
  });
};
