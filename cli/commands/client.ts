import { join } from "node:path";
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

const explainUse = (folder: string, language: ClientLanguage): readonly string[] =>
  language === "ts"
    ? [
        `import { predict } from "./${folder}/index.js";`,
        'const { data, error } = await predict({ baseUrl: "http://localhost:8080", auth: key, body: { rows: [row] } });',
      ]
    : [
        "pip install httpx attrs",
        `from ${folder} import AuthenticatedClient`,
        `from ${folder}.api.predictions import predict`,
        'response = predict.sync(client=AuthenticatedClient(base_url="http://localhost:8080", token=key, prefix="", auth_header_name="x-api-key"), body=request)',
      ];

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
      for (const line of explainUse(folder, language)) print(`  ${line}`);
    });
