import { type BuildOptions, build, type Metafile, type OutputFile, type Plugin } from "esbuild";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

type Bundle = {
  /** Contents by name; all in one folder. */
  readonly files: ReadonlyMap<string, string>;
  readonly metafile: Metafile;
};

const startFile = "start.mjs";

/** The files that `entry` loads by import statements, in the order of their evaluation, without itself. */
const listStartFiles = (metafile: Metafile, entry: string): readonly string[] => {
  const outputs = new Map(Object.entries(metafile.outputs));
  const found = new Set<string>();
  const visit = (name: string) => {
    for (const { path, kind } of outputs.get(name)?.imports ?? [])
      if (kind === "import-statement" && outputs.has(path) && !found.has(path)) {
        visit(path);
        found.add(path);
      }
  };
  visit(entry);
  return [...found];
};

/**
 * Joins the files that `entry` loads at its start into one, `start.mjs`: Node takes half a millisecond of processor time to
 * load a module, and esbuild makes one of each set of modules that two entries share. Every other file takes from
 * `start.mjs` what it took from them, so that no module exists twice.
 */
export const joinStartFiles = async (
  { files, metafile }: Bundle,
  entry: string,
  options: BuildOptions,
): Promise<readonly OutputFile[]> => {
  const start = listStartFiles(metafile, entry);
  const places = new Map(start.map((name, place) => [`./${name}`, place]));
  const rename = (name: string, place: number) => `${name}_${place}`;
  /** `{ "a" as a_0 }` for each export of a start file, or the other way round. */
  const listExports = (name: string, inward: boolean): string => {
    const place = places.get(`./${name}`) ?? 0;
    const pairs = (getOwnProperty(metafile.outputs, name)?.exports ?? []).map((own) =>
      inward ? `${rename(own, place)} as ${own}` : `${own} as ${rename(own, place)}`,
    );
    return pairs.length > 0 ? `export { ${pairs.join(", ")} } from` : "import";
  };

  const joined: Plugin = {
    name: "joined",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.\// }, ({ path, kind, importer, namespace }) => {
        if (kind === "entry-point") return { path, namespace: "entry" };
        if (!places.has(path)) return { path, external: true };
        const isWithin = namespace === "start" || importer === `./${startFile}`;
        return { path, namespace: isWithin ? "start" : "from-start" };
      });
      onLoad({ filter: /.*/, namespace: "entry" }, ({ path }) => ({
        contents:
          path === `./${startFile}`
            ? start.map((name) => `${listExports(name, false)} "./${name}";`).join("\n")
            : files.get(path.slice(2)),
        loader: "js",
      }));
      onLoad({ filter: /.*/, namespace: "start" }, ({ path }) => ({
        contents: files.get(path.slice(2)),
        loader: "js",
      }));
      onLoad({ filter: /.*/, namespace: "from-start" }, ({ path }) => ({
        contents: `${listExports(path.slice(2), true)} "./${startFile}";`,
        loader: "js",
      }));
    },
  };
  const others = [...files.keys()].filter((name) => !start.includes(name));
  const { outputFiles = [] } = await build({
    ...options,
    splitting: false,
    entryPoints: [startFile, ...others].map((name) => ({ in: `./${name}`, out: name.replace(/\.mjs$/, "") })),
    outdir: ".",
    outExtension: { ".js": ".mjs" },
    entryNames: "[name]",
    plugins: [joined],
    // The first build wrote it into each file that needs it.
    banner: {},
    write: false,
  });
  return outputFiles;
};
