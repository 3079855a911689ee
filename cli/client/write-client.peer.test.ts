import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { Golden } from "#model-folder/manifest/manifest.ts";
import { findGoldenDifferences } from "#model-folder/rows/compare-golden.ts";
import { startServeProcess } from "#test/attacks/serve-process.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { buildManifest, readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { openGenerator } from "./open-generator.ts";
import { readDocument } from "./read-document.ts";
import { writeClient } from "./write-client.ts";

const run = promisify(execFile);
const { skip } = requirePython("tests of generated clients");
const golden = Golden.parse(readChurnGolden());
const tsc = join(import.meta.dirname, "..", "..", "node_modules", "typescript", "bin", "tsc");
const slipway = join(import.meta.dirname, "..", "slipway.mjs");

/** Contents by path. */
const readFiles = async (folder: string): Promise<Readonly<Record<string, string>>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => [file.slice(folder.length), await readFile(file, "utf8")] as const),
    ),
  );
};

/** The compiler's complaints about these files, as strictly as a project may set it. */
const checkTypes = async (folder: string, ...files: readonly string[]): Promise<string> => {
  const options = [
    "--noEmit",
    "--strict",
    "--target",
    "es2023",
    "--module",
    "nodenext",
    "--lib",
    "es2023,dom,dom.iterable",
  ];
  return run(process.execPath, [tsc, ...options, "--types", "", ...files], { cwd: folder }).then(
    () => "",
    (error: { stdout: string }) => error.stdout,
  );
};

describe.skipIf(skip)("a generated client", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let service: Awaited<ReturnType<typeof startServeProcess>>;
  let key = "";
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    const data = join(folder.path, "data");
    const options = ["create", "--name", "billing", "--models", "churn", "--data", data, "--json"];
    key = JSON.parse((await run(process.execPath, [slipway, "keys", ...options])).stdout).key;
    service = await startServeProcess(data, "--keys", "--environment", "prod", "--model-version", "3");
    await writeFile(join(folder.path, "package.json"), '{ "type": "module" }');
  });
  afterAll(async () => {
    await service.stop();
    await folder.remove();
  });

  test("in TypeScript has types that tsc checks, and gets the golden predictions from the service", async () => {
    const env = { ...process.env, SLIPWAY_API_KEY: key };
    const args = ["client", service.url, "--lang", "ts", "--out", join(folder.path, "churn-client")];
    expect((await run(process.execPath, [slipway, ...args], { env })).stdout).toContain("churn, version 3");
    const program = `import { predict, type PredictResponse, type Row } from "./churn-client/index.js";
const rows: Row[] = ${JSON.stringify(golden.rows)};
// @ts-expect-error a category that the model does not know
const wrong: Row = { ...rows[0], contract: "Weekly" };
// @ts-expect-error a key that no row has
const unknown: Row = { ...rows[0], colour: "red" };
const { data, error } = await predict({ baseUrl: ${JSON.stringify(service.url)}, auth: ${JSON.stringify(key)}, body: { rows } });
if (data === undefined) throw new Error("title" in error ? error.title : error.message);
const response: PredictResponse = data;
console.log(JSON.stringify(response.predictions));
const refused = await predict({ baseUrl: ${JSON.stringify(service.url)}, auth: ${JSON.stringify(key)}, body: { rows: [wrong, unknown] } });
const problem = refused.error;
if (problem === undefined || !("errors" in problem)) throw new Error("not refused");
console.log(JSON.stringify(problem.errors?.map(({ pointer }) => pointer)));
`;
    await writeFile(join(folder.path, "program.ts"), program);
    expect(await checkTypes(folder.path, "program.ts")).toBe("");
    const outfile = join(folder.path, "program.mjs");
    await build({
      entryPoints: [join(folder.path, "program.ts")],
      bundle: true,
      platform: "node",
      format: "esm",
      outfile,
    });
    const [predictions = "", pointers = ""] = (await run(process.execPath, [outfile])).stdout.split("\n");
    expect(findGoldenDifferences(golden, JSON.parse(predictions))).toEqual([]);
    expect(JSON.parse(pointers)).toEqual(["/rows/0/contract", "/rows/1/colour"]);
  });

  test("in Python gets the golden predictions from the service, and the problem of a refused row", async () => {
    const out = join(folder.path, "churn_client");
    const source = await readDocument("models/churn");
    await writeClient(source, { language: "python", folder: out });
    await writeFile(join(folder.path, "rows.json"), JSON.stringify(golden.rows));
    const program = `import json, sys
from churn_client import AuthenticatedClient
from churn_client.api.predictions import predict
from churn_client.models import PredictRequest, PredictResponse, Problem, Row
client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], prefix="", auth_header_name="x-api-key")
rows = [Row.from_dict(row) for row in json.load(open("rows.json"))]
response = predict.sync(client=client, body=PredictRequest(rows=rows))
assert isinstance(response, PredictResponse), response
print(json.dumps([prediction.to_dict() for prediction in response.predictions]))
rows[0].tenure = 121
refused = predict.sync(client=client, body=PredictRequest(rows=rows[:1]))
assert isinstance(refused, Problem), refused
print(json.dumps([error.pointer for error in refused.errors]))
`;
    const { command } = await openGenerator("python");
    const { stdout } = await run(command, ["-c", program, service.url, key], { cwd: folder.path });
    const [predictions = "", pointers = ""] = stdout.split("\n");
    expect(findGoldenDifferences(golden, JSON.parse(predictions))).toEqual([]);
    expect(JSON.parse(pointers)).toEqual(["/rows/0/tenure"]);
  });

  test("in both languages reads a refusal of API Gateway itself, whose body is no problem", async () => {
    const gateway = createServer((_, response) => {
      response.writeHead(401, { "content-type": "application/json" }).end('{"message":"Unauthorized"}');
    }).listen(0, "127.0.0.1");
    await once(gateway, "listening");
    await using stack = new AsyncDisposableStack();
    stack.defer(() => void gateway.close());
    const address = gateway.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    const source = await readDocument("churn");
    await writeClient(source, { language: "python", folder: join(folder.path, "gateway_client") });
    const program = `import sys
from gateway_client import AuthenticatedClient
from gateway_client.api.model import get_model
from gateway_client.models import GatewayError
client = AuthenticatedClient(base_url=sys.argv[1], token="wrong", prefix="", auth_header_name="x-api-key")
refused = get_model.sync(client=client)
assert isinstance(refused, GatewayError), refused
print(refused.message)
`;
    const { command } = await openGenerator("python");
    expect((await run(command, ["-c", program, url], { cwd: folder.path })).stdout).toBe("Unauthorized\n");
    await writeClient(source, { language: "ts", folder: join(folder.path, "gateway-client") });
    await writeFile(
      join(folder.path, "gateway.ts"),
      `import { getModel } from "./gateway-client/index.js";
const { error } = await getModel({ baseUrl: ${JSON.stringify(url)}, auth: "wrong" });
if (error === undefined || "title" in error) throw new Error("not refused by the gateway");
console.log(error.message);
`,
    );
    expect(await checkTypes(folder.path, "gateway.ts")).toBe("");
    const outfile = join(folder.path, "gateway.mjs");
    const options = { bundle: true, platform: "node", format: "esm", outfile } as const;
    await build({ entryPoints: [join(folder.path, "gateway.ts")], ...options });
    expect((await run(process.execPath, [outfile])).stdout).toBe("Unauthorized\n");
  });

  test.each(["ts", "python"] as const)(
    "in %s is the same each time, replaces the earlier one and nothing else",
    async (language) => {
      const source = await readDocument("churn");
      const out = join(folder.path, `again-${language}`);
      await writeClient(source, { language, folder: out });
      const first = await readFiles(out);
      await writeFile(join(out, "left-over.txt"), "");
      await writeClient(source, { language, folder: out });
      expect(await readFiles(out)).toEqual(first);
      for (const text of Object.values(first))
        expect(text).toMatch(/^(\/\/|#) churn, of the model's folder\./);

      const other = join(folder.path, `other-${language}`);
      await mkdir(other);
      await writeFile(join(other, "thesis.txt"), "mine");
      await expect(writeClient(source, { language, folder: other })).rejects.toThrow(/has other files/);
      expect(await readFiles(other)).toEqual({ "/thesis.txt": "mine" });
    },
  );

  test("of a manifest with hostile texts contains them as texts alone", async () => {
    const hostile = '*/ globalThis.attacked = 1; /* """\nimport os; os.abort() # $' + "{process.exit(9)}";
    const name = 'a"]; globalThis.attacked = 1; // \'"""';
    const manifest = buildManifest({
      description: hostile,
      inputs: [
        { name, type: "number", min: 0, max: 1 },
        { name: "年齢", type: "category", values: [hostile.slice(0, 60), "__proto__"] },
      ],
    });
    await mkdir(join(folder.path, "hostile"));
    await writeFile(join(folder.path, "hostile", "model.yaml"), stringify(manifest));
    const source = await readDocument(join(folder.path, "hostile"));
    await writeClient(source, { language: "ts", folder: join(folder.path, "hostile-ts") });
    await writeFile(
      join(folder.path, "hostile.ts"),
      `import { type Row } from "./hostile-ts/index.js";\nexport const names: (keyof Row)[] = [${JSON.stringify(name)}, "年齢"];\nif ("attacked" in globalThis) throw new Error();\n`,
    );
    expect(await checkTypes(folder.path, "hostile.ts")).toBe("");
    const outfile = join(folder.path, "hostile.mjs");
    await build({ entryPoints: [join(folder.path, "hostile.ts")], bundle: true, format: "esm", outfile });
    await run(process.execPath, [outfile]);
    await writeClient(source, { language: "python", folder: join(folder.path, "hostile_client") });
    const { command } = await openGenerator("python");
    const program = "import hostile_client.models, hostile_client.api.predictions.predict; print('imported')";
    expect((await run(command, ["-c", program], { cwd: folder.path })).stdout).toBe("imported\n");
  });
});
