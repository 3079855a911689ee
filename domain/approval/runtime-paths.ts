/**
 * Files outside models/ that every image contains or depends on: the inference function with all its imports (a test
 * checks that none is missing), and the files that decide its packages and JavaScript.
 */
const runtimePaths = {
  inference: [/^\//],
  lambdas: [/^\/(predict\/|records-|read-env\.)/],
  platform: [
    /^\/(aws-call|own-value|temporary-fault)\./,
    /^\/(blobs|errors|files|metrics|processes|secrets|store)\//,
  ],
  "model-folder": [/^\//],
  "api-keys": [/^\//],
  untrusted: [/^\//],
  worlds: [/^\/aws\/(predict\/|environment\/(default-model-directory|read-env)\.)/],
  "package.json": [/^$/],
  "package-lock.json": [/^$/],
  "tsconfig.json": [/^$/],
};

/** Files and folders of the root that contain the whole runtime, and more. */
export const runtimeRoots: readonly string[] = Object.keys(runtimePaths);

/** Whether a path belongs to the runtime that serves every model. */
export const isRuntimePath = (path: string): boolean =>
  Object.entries(runtimePaths).some(
    ([root, below]) =>
      path.startsWith(root) && below.some((pattern) => pattern.test(path.slice(root.length))),
  );
