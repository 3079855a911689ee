import { join } from "node:path";
import { build, type Plugin, stop } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { literalKeys, withLiteralKeys } from "./literal-keys.ts";

const packages = join(import.meta.dirname, "..", "node_modules", "@aws-sdk");
afterAll(stop);

test("a key that a constant of the file computes is written out, and any other stays", () => {
  const source =
    'const _ht = "http";\nlet _b = "b";\nexport const a = { [_ht]: 1, [_b]: 2, [_c]: 3, x: [_ht] };\n';
  expect(withLiteralKeys(source)).toBe(
    'const _ht = "http";\nlet _b = "b";\nexport const a = { "http": 1, [_b]: 2, [_c]: 3, x: [_ht] };\n',
  );
});

/** What a client's schemas are once they run, as JSON: their references to each other are functions, and left out. */
const schemas = async (client: string, plugins: Plugin[]): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [join(packages, client, "dist-es", "schemas", "schemas_0.js")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    plugins,
  });
  return JSON.stringify(
    await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? "")}`),
  );
};

test.each(["client-apigatewayv2", "client-s3", "client-ssm"])(
  "the schemas of %s say the same with literal keys",
  async (client) => {
    const before = await schemas(client, []);
    expect(before.length).toBeGreaterThan(10_000);
    expect(await schemas(client, [literalKeys])).toBe(before);
  },
);
