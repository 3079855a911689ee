import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import packageJson from "#package.json" with { type: "json" };
import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import { ClientNotWritten } from "./client-not-written.ts";
import { type ClientLanguage, type Generator, openGenerator } from "./open-generator.ts";
import { prepareDocument } from "./prepare-document.ts";
import type { ModelDocument } from "./read-document.ts";

const run = promisify(execFile);

/** Of one run of a generator. */
const limitMs = 120_000;

const marker = "Written by `slipway client`";
const formats = {
  ts: { extension: ".ts", comment: "//", entry: "index.ts", generator: "@hey-api/openapi-ts 0.99.0" },
  python: { extension: ".py", comment: "#", entry: "__init__.py", generator: "openapi-python-client 0.29.1" },
} as const;

const typeScriptConfig = `export default {
  input: "./openapi.json",
  output: { path: "./client", importFileExtension: ".js" },
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
  logs: { level: "silent", file: false },
};
`;

const listOptions = (language: ClientLanguage): readonly string[] =>
  language === "ts"
    ? ["--file", "openapi-ts.config.mjs"]
    : [
        "generate",
        "--path",
        "openapi.json",
        "--output-path",
        "client",
        "--meta",
        "none",
        "--fail-on-warning",
      ];

const generate = async (work: string, language: ClientLanguage, generator: Generator): Promise<void> => {
  const { command, options, path } = generator;
  await run(command, [...options, ...listOptions(language)], {
    cwd: work,
    timeout: limitMs,
    // The generator needs nothing else of this process, such as keys.
    env: { PATH: `${path}${process.env.PATH}`, HOME: work, NO_COLOR: "1" },
  }).catch((error: unknown) => {
    const { stdout = "", stderr = "" }: { stdout?: string; stderr?: string } =
      typeof error === "object" && error !== null ? error : {};
    const output = `${stdout}\n${stderr}`.trim().split("\n").slice(-10).join("\n");
    throw new ClientNotWritten(
      `${formats[language].generator} could not write the client:\n${output}\nReport this with the model's model.yaml.`,
      { cause: error },
    );
  });
};

/** Each file begins with what it is made of, so that a reader of a diff knows which command writes it again. */
const addHeaders = async (folder: string, language: ClientLanguage, source: ModelDocument): Promise<void> => {
  const { extension, comment, generator } = formats[language];
  const { model, version } = source;
  const header = `${comment} ${model}, ${version}. ${marker} of Slipway ${packageJson.version} with ${generator}: do not edit it.\n`;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && entry.name.endsWith(extension)) {
      const file = join(entry.parentPath, entry.name);
      await writeFile(file, header + (await readFile(file, "utf8")));
    }
};

/** Only an absent or empty folder, or one that this command wrote, may be replaced. */
const assertReplaceable = async (folder: string, entry: string): Promise<void> => {
  const found = await stat(folder).catch(() => undefined);
  if (!found) return;
  const names = found.isDirectory() ? await readdir(folder) : [folder];
  if (names.length === 0) return;
  const first = await readFile(join(folder, entry), "utf8").catch(() => "");
  if (!first.split("\n", 1)[0]?.includes(marker))
    throw new ClientNotWritten(`${folder} has other files: choose another folder with --out, or remove it.`);
};

/**
 * Writes a typed client into `folder` and replaces the one that it wrote there before. Equal documents give equal files.
 * Throws ClientNotWritten.
 */
export const writeClient = async (
  source: ModelDocument,
  { language, folder }: { readonly language: ClientLanguage; readonly folder: string },
): Promise<void> => {
  await assertReplaceable(folder, formats[language].entry);
  const generator = await openGenerator(language);
  await useTemporaryFolder("slipway-client-", async (work) => {
    await writeFile(join(work, "openapi.json"), JSON.stringify(prepareDocument(source.document, language)));
    await writeFile(join(work, "package.json"), '{ "private": true, "type": "module" }\n');
    if (language === "ts") await writeFile(join(work, "openapi-ts.config.mjs"), typeScriptConfig);
    await generate(work, language, generator);
    const written = join(work, "client");
    await addHeaders(written, language, source);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await cp(written, folder, {
      recursive: true,
      filter: (path) => !/(?:__pycache__|\.ruff_cache)$/.test(path),
    });
  });
};
