import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export type GoModule = { readonly name: string; readonly version: string };

/** The go.mod of crane, which pushes every image. */
const goModFile = fileURLToPath(new URL("../packaging/crane/go.mod", import.meta.url));

/** The modules that a go.mod requires. https://go.dev/ref/mod#go-mod-file-require */
export const readGoModules = async (file = goModFile): Promise<readonly GoModule[]> =>
  [...(await readFile(file, "utf8")).matchAll(/^\s*(?:require\s+)?(\S+\.\S+\/\S+)\s+(v\d\S*)/gm)].map(
    ([, name = "", version = ""]) => ({ name, version }),
  );
