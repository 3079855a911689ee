import { build } from "esbuild";
import { expect, test } from "vitest";
import { loadCommands } from "./commands.ts";

test("each command is loaded by its name, alone; anything else loads all of them", async () => {
  const all = await loadCommands(["--help"]);
  const names = all.map((command) => command.name());
  expect(new Set(names).size).toBe(names.length);
  for (const name of names)
    expect((await loadCommands([name, "--help"])).map((command) => command.name())).toEqual([name]);
  for (const words of [[], ["help", "serve"], ["complete", "--", "ser"], ["sattus"], ["--version"]])
    expect((await loadCommands(words)).length).toBe(names.length);
});

test("slipway serve loads neither Slack's client nor the desk, the steps or their images: they cost an idle process 40 MB", async () => {
  // The command, and the program that it becomes.
  const entries = ["cli/commands/serve.ts", "cli/serve/serve-process.ts"];
  const { metafile } = await build({
    entryPoints: entries,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    write: false,
    metafile: true,
    outdir: ".",
  });
  const inputs = new Map(Object.entries(metafile.inputs));
  const loaded = new Set(entries);
  for (const file of loaded)
    for (const { path, kind } of inputs.get(file)?.imports ?? [])
      if (kind === "import-statement") loaded.add(path);
  expect(loaded).toContain("worlds/embedded/gateway/http-server.ts");
  const others =
    /^(?:slack|console|lambdas|packaging)\/|^worlds\/(?:aws|embedded\/(?:desk|engine))\/|hono|@slack|@aws-sdk|tar-stream|^esbuild/;
  expect([...loaded].filter((path) => others.test(path))).toEqual([]);
});
