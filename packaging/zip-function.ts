import { zipSync } from "fflate";

/**
 * Packs files (contents by path) into a zip whose bytes depend on nothing else, so that an unchanged function is not
 * deployed again. Uses fflate, because the output of Node's zlib changes between versions.
 */
export const zipFunction = (files: Readonly<Record<string, Uint8Array>>): Uint8Array => {
  const sorted = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  return zipSync(Object.fromEntries(sorted), {
    level: 9,
    // The format's first day, in local time because zips store local time: the same bytes in every time zone.
    mtime: new Date(1980, 0, 1),
    // Unix, so that the mode applies: rw-r--r--.
    os: 3,
    attrs: 0o100644 << 16,
  });
};
