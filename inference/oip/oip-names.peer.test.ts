import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { loadModel } from "#inference/model/load-model.ts";
import {
  completeListOptions,
  createPythonEnvironment,
  requirePython,
} from "#test/peers/python-environment.ts";
import { createModelClient } from "#test/support/http/model-client.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { floatType, int64Type, type Node, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { skip } = requirePython("kserve's and Triton's clients");
/** JSON.parse keeps an own `__proto__`, which an object literal does not. */
const columns: Record<string, readonly unknown[]> = JSON.parse(
  `{"__proto__":[0.25,0.5],"label":[0.125,0.25],"od280/od315":[1,2],"年齢":[3,4],"a, \\"b\\"":[5,6],"0":[7,8]," 😀~ ":[9,10],"id":["1835849871777350123","1835849871777350124"]}`,
);
const names = Object.keys(columns);

test.skipIf(skip)(
  "kserve's and Triton's clients send inputs of any name, and identifiers with all digits",
  { timeout: 600_000 },
  async () => {
    const { python } = await createPythonEnvironment(
      file("test/peers/requirements-protocols.txt"),
      completeListOptions,
    );
    // The last digits of the identifier, so that a lost digit shows.
    const nodes: Node[] = [
      { op: "Mod", inputs: ["id", "thousand"], outputs: ["rest"] },
      { op: "Cast", inputs: ["rest"], outputs: ["rest_float"], attributes: [{ name: "to", int: floatType }] },
      {
        op: "Concat",
        inputs: names.map((name) => (name === "id" ? "rest_float" : name)),
        outputs: ["scores"],
        attributes: [{ name: "axis", int: 1 }],
      },
    ];
    const model = await loadModel({
      manifest: buildManifest({
        name: "names",
        inputs: names.map((name) =>
          name === "id"
            ? { name, type: "string", format: "int64" }
            : { name, type: "number", min: 0, max: 10 },
        ),
        output: { labels: names.map((_, at) => `label ${at}`) },
        gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
      }),
      model: {
        bytes: writeOnnx({
          graph: {
            nodes,
            initializers: [{ name: "thousand", type: int64Type, dims: [1], int64: [1_000] }],
            inputs: names.map((name) => ({
              name,
              type: name === "id" ? int64Type : floatType,
              shape: ["N", 1],
            })),
            outputs: [{ name: "scores", type: floatType, shape: ["N", names.length] }],
          },
        }),
      },
    });
    const logged: string[] = [];
    const server = await startHttpServer(0);
    const folder = await createTemporaryFolder();
    try {
      server.serve(createModelClient(model, logged));
      await writeFile(`${folder.path}/inputs.json`, JSON.stringify({ inputs: columns }));
      const { stdout } = await promisify(execFile)(python, [
        file("test/peers/protocols/oip_names.py"),
        new URL(server.url).origin,
        "names",
        `${folder.path}/inputs.json`,
      ]);
      const expected = [0, 1].map((row) =>
        names.map((name) => (name === "id" ? 123 + row : columns[name]?.[row])),
      );
      const both = { binary: expected, json: expected };
      expect(JSON.parse(stdout)).toEqual({ metadata: names, triton: both, kserve: both });
    } finally {
      await server.close();
      await folder.remove();
      await model.release();
    }
  },
);
