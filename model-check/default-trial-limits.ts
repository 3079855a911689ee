/** Of a model's first run, and of reading its folder: time from when it begins, and memory, native memory with it. */
export const defaultTrialLimits = { seconds: 30, residentMb: 1_024 } as const;
