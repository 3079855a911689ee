import { execFileSync } from "node:child_process";
import { cp, mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Copies the checkout's files, as a person has them after `git clone` and `npm ci`. Packages are links. */
export const copyCheckout = async (folder: string): Promise<void> => {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1_024 * 1_024,
  });
  for (const file of listed.split("\0").filter((path) => path !== "")) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    // A file that git lists may have been removed.
    await cp(join(root, file), join(folder, file)).catch(() => undefined);
  }
  for (const modules of ["node_modules", "terraform/node_modules"])
    await symlink(join(root, modules), join(folder, modules));
};
