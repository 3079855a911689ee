const registrationPattern = /^\w+_registry\.registerError\(\w+\$, (\w+)\);$/gm;

/**
 * An AWS client's schemas (a file of their own) without the errors that nobody tells apart. A client registers a class
 * for every error of its service, 150 of them for CodeCommit, which esbuild therefore keeps. An answer of an error that
 * is not registered becomes the service's general error, with the same name, message and metadata.
 * @param matchesTitle whether an error's class is needed
 */
export const removeUnusedErrors = (source: string, isNamed: (name: string) => boolean): string =>
  source.replace(registrationPattern, (line, name: string) =>
    isNamed(name) || name.endsWith("ServiceException") ? line : "",
  );
