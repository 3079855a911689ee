import type { Row } from "#model-folder/manifest/manifest.ts";

export type CodeSample = { readonly language: "curl" | "Python" | "JavaScript"; readonly code: string };

/** A text in a POSIX shell's single quotes. */
const quoteForShell = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** JSON as a Python expression: its three words differ. Texts stay JSON texts, which Python reads alike. */
const toPython = (value: unknown, indent = ""): string => {
  const deeper = `${indent}    `;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((item) => toPython(item, deeper)).join(", ")}]`;
  if (typeof value === "object") {
    const lines = Object.entries(value).map(
      ([key, item]) => `${deeper}${JSON.stringify(key)}: ${toPython(item, deeper)},`,
    );
    return `{\n${lines.join("\n")}\n${indent}}`;
  }
  return JSON.stringify(value);
};

/**
 * Programs that send a row and print the predictions. They run as they are: Python needs 3.8 and no package, JavaScript
 * needs Node 18. A key is read from the variable SLIPWAY_API_KEY.
 * @param baseUrl the service's address, without a slash at its end
 */
export const createCodeSamples = (baseUrl: string, row: Row): readonly CodeSample[] => {
  const url = `${baseUrl}/v1/predict`;
  return [
    {
      language: "curl",
      code: `curl --fail-with-body ${quoteForShell(url)} \\
  -H 'content-type: application/json' \\
  -H "x-api-key: $SLIPWAY_API_KEY" \\
  -d ${quoteForShell(JSON.stringify({ rows: [row] }, undefined, 2))}
`,
    },
    {
      language: "Python",
      code: `import json
import os
import urllib.request

row = ${toPython(row)}
request = urllib.request.Request(
    ${JSON.stringify(url)},
    data=json.dumps({"rows": [row]}).encode(),
    headers={
        "content-type": "application/json",
        "x-api-key": os.environ.get("SLIPWAY_API_KEY", ""),
    },
)
with urllib.request.urlopen(request) as response:
    print(json.dumps(json.load(response)["predictions"]))
`,
    },
    {
      language: "JavaScript",
      code: `const row = ${JSON.stringify(row, undefined, 2)};
const response = await fetch(${JSON.stringify(url)}, {
  method: "POST",
  headers: {
    "content-type": "application/json",
    "x-api-key": process.env.SLIPWAY_API_KEY ?? "",
  },
  body: JSON.stringify({ rows: [row] }),
});
const body = await response.json();
if (!response.ok) throw new Error(\`\${body.title}: \${body.detail}\`);
console.log(JSON.stringify(body.predictions));
`,
    },
  ];
};
