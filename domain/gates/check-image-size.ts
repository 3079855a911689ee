import type { Check } from "./verdict.ts";

/** 1 MB is 10⁶ bytes, as registries count. */
export const toMegabytes = (bytes: number): number => Number((bytes / 1e6).toFixed(1));

export const checkImageSize = ({
  sizeBytes,
  limitMb,
}: {
  readonly sizeBytes: number;
  readonly limitMb: number;
}): Check => {
  const megabytes = toMegabytes(sizeBytes);
  const within = sizeBytes <= limitMb * 1e6;
  return {
    name: "image size",
    verdict: within ? "pass" : "fail",
    measured: megabytes,
    limit: limitMb,
    unit: "MB",
    detail: `image ${megabytes} MB (limit ${limitMb} MB)`,
  };
};
