import { defaultTrialLimits, type ResourceLimits } from "./run-limited-process.ts";

type ScaledLimits = Pick<ResourceLimits, "seconds" | "residentMb"> & {
  /** Seconds for reading all files, before the first run. */
  readonly readSeconds: number;
};

/**
 * Limits of a check for its largest artefact, in bytes: the process holds it twice, onnxruntime its own copy, and a slow disk
 * reads some 50 MB a second. Whole seconds, because the shell's limit on CPU time takes no others.
 */
export const scaleTrialLimits = (artifactBytes: number): ScaledLimits => {
  const megabytes = Math.ceil(artifactBytes / 1_024 / 1_024);
  return {
    seconds: defaultTrialLimits.seconds + Math.floor(megabytes / 20),
    residentMb: Math.max(defaultTrialLimits.residentMb, 512 + 3 * megabytes),
    readSeconds: 10 + Math.floor(megabytes / 50),
  };
};
