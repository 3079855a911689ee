/**
 * What lies outside models/ and yet goes into every image: the inference function with all that it imports (a test holds
 * that none is left out), and what decides which packages and which JavaScript come of it.
 */
const runtimePaths = [
  /^inference\//,
  /^lambdas\/(predict\/|records-|read-env\.)/,
  /^platform\/(aws-call|own-value|temporary-fault)\./,
  /^platform\/(blobs|metrics|secrets|store)\//,
  /^(package|package-lock|tsconfig)\.json$/,
];

/** Whether a path of the repository is part of the runtime that every model is served by. */
export const isRuntimePath = (path: string): boolean => runtimePaths.some((pattern) => pattern.test(path));
