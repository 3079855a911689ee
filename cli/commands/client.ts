import { basename, dirname, join, relative, resolve } from "node:path";
import { Command, Option } from "commander";
import type { ClientLanguage } from "#cli/client/open-generator.ts";
import { readDocument } from "#cli/client/read-document.ts";
import { writeClient } from "#cli/client/write-client.ts";
import { jsonOption } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";

type Options = { readonly lang: ClientLanguage; readonly out?: string; readonly json?: boolean };

/** A folder's name; of Python it is the package's name, which has no hyphens. */
const nameFolder = (model: string, language: ClientLanguage): string =>
  language === "ts" ? `${model}-client` : `${model.replaceAll("-", "_")}_client`;

/** The address that the example calls: the one that the client was made from, if it was made from a service. */
const findAddress = (model: string): string =>
  /^https?:\/\//.test(model)
    ? model.replace(/\/openapi\.json$/, "").replace(/\/+$/, "")
    : "http://localhost:8080";

/** How a program beside the folder, or in this one, uses the client. */
export const explainUse = (
  folder: string,
  language: ClientLanguage,
  { from, model }: { readonly from: string; readonly model: string },
): readonly string[] => {
  const address = JSON.stringify(findAddress(model));
  const path = relative(from, resolve(from, folder)).replaceAll("\\", "/");
  if (language === "ts")
    return [
      `import { predict } from "${path.startsWith("../") ? path : `./${path}`}/index.js";`,
      `const { data, error } = await predict({ baseUrl: ${address}, auth: key, body: { rows: [row] } });`,
      "It is TypeScript: compile it with tsc, or bundle it; Node does not run it as it is.",
    ];
  const name = basename(path);
  const parent = dirname(path);
  return [
    "pip install httpx attrs",
    ...(parent === "." ? [] : [`export PYTHONPATH=${parent}`]),
    `from ${name} import AuthenticatedClient`,
    `from ${name}.api.predictions import predict`,
    `response = predict.sync(client=AuthenticatedClient(base_url=${address}, token=key, prefix="", auth_header_name="x-api-key"), body=request)`,
  ];
};

/** `slipway client`: a typed client of a model's API. */
export const clientCommand = (): Command =>
  new Command("client")
    .description("write a typed client of a model's API, in TypeScript or Python")
    .argument("<model>", "the model, its folder, or the address of its service (http://localhost:8080)")
    .addOption(
      new Option("--lang <language>", "the client's language")
        .choices(["ts", "python"])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        "--out <folder>",
        "the folder to write (default: <model>-client, for Python <model>_client)",
      ),
    )
    .addOption(jsonOption("model, version, language and folder of the client"))
    .addHelpText(
      "after",
      "\nThe generator is installed once into the user's cache (35 MB for TypeScript, 85 MB for Python, which needs Python 3.11).\nA service that requires a key gets the one in SLIPWAY_API_KEY.",
    )
    .action(async (model: string, { lang: language, out, json }: Options) => {
      showProgress(`Reading the API of ${model}`);
      const source = await readDocument(model);
      const name = nameFolder(source.model, language);
      const folder = out ?? name;
      showProgress("Writing the client; the first time its generator is installed");
      await writeClient(source, { language, folder });
      if (json) return printJson({ model: source.model, version: source.version, language, folder });
      print(`${paint("green", "✓")} ${source.model}, ${source.version}: a client is in ${join(folder)}`);
      for (const line of explainUse(folder, language, { from: process.cwd(), model })) print(`  ${line}`);
    });
