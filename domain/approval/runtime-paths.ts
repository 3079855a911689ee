/**
 * What lies outside models/ and yet goes into every image: the inference function with all that it imports (a test holds
 * that none is left out), and what decides which packages and which JavaScript come of it.
 */
const runtimePaths = {
  inference: [/^\//],
  lambdas: [/^\/(predict\/|records-|read-env\.)/],
  platform: [
    /^\/(aws-call|own-value|temporary-fault)\./,
    /^\/(blobs|errors|metrics|processes|secrets|store)\//,
  ],
  "model-folder": [/^\//],
  "api-keys": [/^\//],
  untrusted: [/^\//],
  worlds: [/^\/aws\/(predict\/|environment\/read-env\.)/],
  "package.json": [/^$/],
  "package-lock.json": [/^$/],
  "tsconfig.json": [/^$/],
};

/** The files and folders of the root that hold all of the runtime, and more. */
export const runtimeRoots: readonly string[] = Object.keys(runtimePaths);

/** Whether a path of the repository is part of the runtime that every model is served by. */
export const isRuntimePath = (path: string): boolean =>
  Object.entries(runtimePaths).some(
    ([root, below]) =>
      path.startsWith(root) && below.some((pattern) => pattern.test(path.slice(root.length))),
  );
