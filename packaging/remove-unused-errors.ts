const registrationPattern = /^\w+_registry\.registerError\(\w+\$, (\w+)\);$/gm;

/**
 * Removes the registrations of unused errors from the schema file of an AWS client. A client registers a class for every
 * error of its service (150 for CodeCommit), so esbuild keeps them all. An unregistered error becomes the service's
 * general error, with the same name, message and metadata.
 * @param isNamed whether an error's class is needed
 */
export const removeUnusedErrors = (source: string, isNamed: (name: string) => boolean): string =>
  source.replace(registrationPattern, (line, name: string) =>
    isNamed(name) || name.endsWith("ServiceException") ? line : "",
  );
