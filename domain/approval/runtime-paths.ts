/** What lies outside models/ and yet goes into every image. */
const runtimePaths = [/^inference\//, /^lambdas\/predict\//, /^package-lock\.json$/];

/** Whether a path of the repository is part of the runtime that every model is served by. */
export const isRuntimePath = (path: string): boolean => runtimePaths.some((pattern) => pattern.test(path));
