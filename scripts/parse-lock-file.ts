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

/** A package in a lock file. */
export type LockedPackage = {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of its archive, `sha512-…`. */
  readonly integrity: string | undefined;
  readonly license: string | undefined;
  /** Only needed to build and test the product. */
  readonly dev: boolean;
};

/** Merges two entries of the same version. An entry inside another package's archive has no integrity. */
export const mergePackages = (existing: LockedPackage | undefined, entry: LockedPackage): LockedPackage =>
  existing === undefined
    ? entry
    : {
        ...entry,
        integrity: existing.integrity ?? entry.integrity,
        license: existing.license ?? entry.license,
        dev: existing.dev && entry.dev,
      };

const modulesFolder = "node_modules/";

/**
 * Lists each package of an npm lock file once, by name and version. It is `dev` only if all its entries are. https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json
 */
export const parseLockFile = (lockFile: string): readonly LockedPackage[] => {
  const packages = new Map<string, LockedPackage>();
  for (const [path, entry] of Object.entries(LockFile.parse(JSON.parse(lockFile)).packages)) {
    const { version, integrity, license, link } = entry;
    if (!path.includes(modulesFolder) || link || version === undefined) continue;
    const name = entry.name ?? path.slice(path.lastIndexOf(modulesFolder) + modulesFolder.length);
    const key = `${name}@${version}`;
    const locked = { name, version, integrity, license, dev: entry.dev ?? false };
    packages.set(key, mergePackages(packages.get(key), locked));
  }
  return [...packages.values()].toSorted((a, b) =>
    `${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1,
  );
};
