/** The result of one check: the state as a sentence, and the remedy where something is wrong. */
export type DoctorFinding =
  | { readonly status: "ok"; readonly sentence: string }
  /** Not checked: Terraform has not created it yet, or no call can show it. */
  | { readonly status: "pending"; readonly sentence: string }
  /** missing: deliveries fail without it; warning: it may be intended. */
  | { readonly status: "missing" | "warning"; readonly sentence: string; readonly remedy: string };

/** Undefined: the check cannot run, and another check says why. */
export type DoctorCheck = () => Promise<DoctorFinding | undefined>;
