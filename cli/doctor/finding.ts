/** What one check found, in sentences: how it is, and where it is not as it must be, what a person does about it. */
export type DoctorFinding =
  | { readonly status: "ok"; readonly sentence: string }
  /** missing: deliveries fail without it; warning: it may be meant so. */
  | { readonly status: "missing" | "warning"; readonly sentence: string; readonly remedy: string };

export type DoctorCheck = () => Promise<DoctorFinding>;
