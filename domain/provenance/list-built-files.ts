import { artifactDependency, type ProvenanceStatement } from "./statement.ts";

/** What a build was made of. Hashes are SHA-256, hexadecimal. */
export type BuiltFiles = {
  /** Hashes of the committed files by their names in the model's folder. */
  readonly files: ReadonlyMap<string, string>;
  /** Hash of the packed ONNX file; undefined: built before that was recorded. */
  readonly artifact: string | undefined;
};

/** Reads a verified statement. */
export const listBuiltFiles = ({ predicate: { buildDefinition } }: ProvenanceStatement): BuiltFiles => {
  const folder = `models/${buildDefinition.externalParameters.model}/`;
  const dependencies = buildDefinition.resolvedDependencies.map(
    ({ name, digest }) => [name, digest.sha256] as const,
  );
  return {
    files: new Map(
      dependencies
        .filter(([name]) => name.startsWith(folder))
        .map(([name, sha256]) => [name.slice(folder.length), sha256]),
    ),
    artifact: dependencies.find(([name]) => name === artifactDependency)?.[1],
  };
};
