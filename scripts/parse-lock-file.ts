import * as z from "zod";

const Entry = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  integrity: z.string().optional(),
  license: z.string().optional(),
  dev: z.boolean().optional(),
  link: z.boolean().optional(),
});
const LockFile = z.looseObject({
  lockfileVersion: z.literal(3),
  packages: z.record(z.string(), Entry),
});

/** A package at the version that a lock file names. */
export type LockedPackage = {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of its archive, `sha512-…`. */
  readonly integrity: string | undefined;
  readonly license: string | undefined;
  /** Needed to build and test the product alone. */
  readonly dev: boolean;
};

/** The same version found at two places. What comes inside another package's archive has no integrity of its own. */
export const mergePackages = (before: LockedPackage | undefined, one: LockedPackage): LockedPackage =>
  before === undefined
    ? one
    : {
        ...one,
        integrity: before.integrity ?? one.integrity,
        license: before.license ?? one.license,
        dev: before.dev && one.dev,
      };

const modulesFolder = "node_modules/";

/**
 * Each package of an npm lock file once, by name and version. A package that one place needs to run and another to test is
 * needed to run. https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json
 */
export const parseLockFile = (lockFile: string): readonly LockedPackage[] => {
  const found = new Map<string, LockedPackage>();
  for (const [path, entry] of Object.entries(LockFile.parse(JSON.parse(lockFile)).packages)) {
    const { version, integrity, license, link } = entry;
    if (!path.includes(modulesFolder) || link || version === undefined) continue;
    const name = entry.name ?? path.slice(path.lastIndexOf(modulesFolder) + modulesFolder.length);
    const key = `${name}@${version}`;
    const one = { name, version, integrity, license, dev: entry.dev ?? false };
    found.set(key, mergePackages(found.get(key), one));
  }
  return [...found.values()].toSorted((a, b) =>
    `${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1,
  );
};
