import { zipSync } from "fflate";

/**
 * A zip of files (path to content) whose bytes depend on nothing else, so that an unchanged function is not deployed
 * again. fflate packs in JavaScript: what Node's zlib makes changes with its version.
 */
export const zipFunction = (files: Readonly<Record<string, Uint8Array>>): Uint8Array => {
  const sorted = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  return zipSync(Object.fromEntries(sorted), {
    level: 9,
    // The format's first day, said in local time, which is what a zip holds: the same bytes in every time zone.
    mtime: new Date(1980, 0, 1),
    // Unix, so that the modes count: rw-r--r--.
    os: 3,
    attrs: 0o100644 << 16,
  });
};
