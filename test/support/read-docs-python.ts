import { readFileSync } from "node:fs";

/** The Python that docs/protocols.md shows with `word` in it, for a service at `url` instead of localhost:8080. */
export const readDocsPython = (word: string, url: string): string => {
  const text = readFileSync(new URL("../../docs/protocols.md", import.meta.url), "utf8");
  const blocks = [...text.matchAll(/^```python\n(.*?)^```$/gms)].map(([, code = ""]) => code);
  const { host, hostname, port } = new URL(url);
  return (blocks.find((code) => code.includes(word)) ?? "")
    .replaceAll("localhost:8080", host)
    .replaceAll('"localhost", 8080', `"${hostname}", ${port}`);
};
