import { posix } from "node:path";

/** Which part of the house a file belongs to (docs/architecture.md); null: outside it, such as tests and scripts. */
type Part =
  | "contract"
  | "folder"
  | "slack"
  | "definition"
  | "inference"
  | "domain"
  | "aws"
  | "embedded"
  | "environment"
  | "composition"
  | "handler"
  | "step"
  | "packaging"
  | "rehearsal"
  | "cli"
  | "terraform"
  | "test"
  | null;

/** What says the same in every world and touches nothing. */
const contracts = new Set([
  "statemachine/contracts.ts",
  "statemachine/remedy-of.ts",
  "api-keys/admission.ts",
  "model-folder/manifest/manifest.ts",
  "api-keys/rate.ts",
  "model-folder/manifest/value-names.ts",
  "api-keys/window-seconds.ts",
  "platform/metrics/metric-names.ts",
  "untrusted/marked-lines.ts",
  "untrusted/one-line.ts",
  "untrusted/own-value.ts",
  "untrusted/terminal-text.ts",
  "platform/secrets/kept-secrets.ts",
  "platform/secrets/rotated-secrets.ts",
  "platform/source/side-by-side.ts",
  "platform/serving/config-hash.ts",
  "platform/serving/function-name.ts",
  "platform/serving/report-line.ts",
  "platform/source/co-authors.ts",
  "platform/source/first-updates.ts",
  "platform/source/is-merge-of.ts",
  "platform/source/read-about.ts",
  "platform/source/source-rules.ts",
  "platform/errors/temporary-fault.ts",
]);

/** The readers of what data scientists commit: pure, without the runtime that they stand beside. */
const folderReaders = new Set([
  "model-folder/onnx/bind-inputs.ts",
  "model-folder/onnx/element-type.ts",
  "model-folder/rows/encode-rows.ts",
  "model-folder/rows/split-csv.ts",
  "model-folder/manifest/checked-manifest.ts",
  "model-folder/manifest/folder-problem.ts",
  "model-folder/manifest/locate-yaml.ts",
  "model-folder/manifest/manifest-schema.ts",
  "model-folder/manifest/nearest-name.ts",
  "model-folder/manifest/parse-yaml.ts",
  "model-folder/rows/count-json.ts",
  "model-folder/rows/locate-json.ts",
  "model-folder/rows/parse-golden.ts",
  "model-folder/rows/parse-holdout.ts",
  "model-folder/rows/read-cell.ts",
  "model-folder/manifest/read-manifest.ts",
  "model-folder/rows/row-checker.ts",
  "model-folder/rows/row-problem.ts",
]);

/** Files of `platform/<capability>/` that speak to AWS, GitHub or MLflow; all others but the contract are embedded. */
const awsNames = new Set([
  "assume-role",
  "aws-call",
  "dynamodb",
  "s3",
  "codecommit",
  "codecommit-history",
  "codecommit-reader",
  "github",
  "github-client",
  "github-history",
  "codebuild",
  "ecr",
  "mlflow",
  "lambda",
  "step-functions",
  "cloudwatch",
  "ssm",
  "secrets-manager",
  "kms",
  "kinesis",
  "signed-fetch",
]);

const partOf = (path: string): Part => {
  const [top = "", second = "", ...rest] = path.split("/");
  const last = posix.basename(path).replace(/\.m?[jt]s$/, "");
  if (top === "test" || /\.test\.ts$/.test(path)) return "test";
  if (contracts.has(path)) return "contract";
  if (folderReaders.has(path)) return "folder";
  // Slack is no capability with two implementations: both worlds speak to it through the same client.
  if (path.startsWith("platform/slack/")) return "slack";
  if (top === "statemachine") return "definition";
  if (top === "platform" && rest.length === 1 && last === second) return "contract";
  if (top === "platform")
    return awsNames.has(last) || rest.some((part) => awsNames.has(part)) ? "aws" : "embedded";
  // Files beside the functions' folders are what several handlers are composed of.
  if (/^lambdas\/(environment-parts|aws-outputs)\.ts$/.test(path)) return "environment";
  if (top === "lambdas" && rest.length === 0) return "composition";
  // The inference function reads its environment its own way, which is of no use to any other.
  if (/^lambdas\/predict\/(identity-of|read-predict-env)\.ts$/.test(path)) return "composition";
  if (top === "lambdas" && last === "env") return "environment";
  if (top === "lambdas" && last === "handler") return "handler";
  if (top === "lambdas") return "step";
  return (
    (["inference", "domain", "packaging", "rehearsal", "cli", "terraform"] as const).find(
      (part) => part === top,
    ) ?? null
  );
};

/** What each part may import, beside packages. Each list is the arrow's whole truth; what is missing is broken. */
const mayImport: Readonly<Record<Exclude<Part, "test" | null>, readonly Part[]>> = {
  contract: ["contract"],
  folder: ["contract", "folder"],
  slack: ["contract", "slack"],
  definition: ["contract", "definition"],
  inference: ["contract", "folder", "inference"],
  domain: ["contract", "folder", "domain"],
  aws: ["contract", "folder", "definition", "inference", "aws"],
  embedded: ["contract", "folder", "definition", "inference", "embedded"],
  environment: ["contract", "environment"],
  step: ["contract", "folder", "slack", "domain", "inference", "step"],
  composition: ["contract", "slack", "domain", "environment", "aws", "composition"],
  handler: [
    "contract",
    "folder",
    "slack",
    "domain",
    "inference",
    "step",
    "environment",
    "aws",
    "composition",
  ],
  // What is built, for the world on one machine and for AWS, where the builder reads the commit through the source.
  packaging: [
    "contract",
    "folder",
    "inference",
    "domain",
    "embedded",
    "aws",
    "environment",
    "composition",
    "packaging",
  ],
  rehearsal: [
    "contract",
    "folder",
    "slack",
    "definition",
    "inference",
    "domain",
    "embedded",
    "step",
    "environment",
    "packaging",
    "rehearsal",
  ],
  cli: [
    "contract",
    "folder",
    "slack",
    "definition",
    "inference",
    "domain",
    "aws",
    "embedded",
    "step",
    "environment",
    "composition",
    "packaging",
    "rehearsal",
    "cli",
  ],
  terraform: ["contract", "definition", "environment", "terraform"],
};

const names: Readonly<Record<Exclude<Part, null>, string>> = {
  contract: "a contract",
  folder: "a reader of a model's folder",
  slack: "the Slack client",
  definition: "the state machine's definition",
  inference: "the inference runtime",
  domain: "the domain's rules",
  aws: "an AWS implementation",
  embedded: "an embedded implementation",
  environment: "a function's env.ts",
  step: "a step",
  composition: "what handlers are composed of",
  handler: "a function's handler",
  packaging: "what is built",
  rehearsal: "the rehearsal",
  cli: "the command",
  terraform: "the stacks",
  test: "a test",
};

/** Comments are blanked, strings kept: an import that a docstring shows is none. */
const withoutComments = (source: string): string =>
  source.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\/\*[\s\S]*?\*\/|(^|[^:\\/])\/\/[^\n]*/g,
    (_, text, before) => text ?? before ?? " ",
  );

const forms = [
  // import … from "x", export … from "x", and import type
  /(?:^|[\n;}])\s*(?:import|export)\b[^"'`;()]*?\bfrom\s*["']([^"']+)["']/g,
  /(?:^|[\n;}])\s*import\s*["']([^"']+)["']/g,
  // import("x") as a call and as a type, require("x"), import.meta.resolve("x")
  /\b(?:import|require|import\.meta\.resolve)\s*\(\s*["'`]([^"'`]+)["'`]/g,
  // files that a worker or another process is started from
  /\bnew\s+URL\s*\(\s*["'`]([^"'`]+\.m?[jt]s)["'`]\s*,\s*import\.meta\.url/g,
];

/** All that a file names as a module of its own repository, from the root. */
export const importsOf = (path: string, source: string): readonly string[] => {
  const text = withoutComments(source);
  const named = forms.flatMap((form) => [...text.matchAll(form)].map(([, specifier = ""]) => specifier));
  return [...new Set(named)].flatMap((specifier) => {
    // "#domain/…" is a path from the root (package.json, "imports").
    if (specifier.startsWith("#")) return [specifier.slice(1)];
    return specifier.startsWith(".") ? [posix.join(posix.dirname(path), specifier)] : [];
  });
};

/**
 * One sentence for each import that goes against the direction in which the parts may depend on each other.
 * `files`: sources by their path from the repository's root.
 */
export const brokenArrows = (files: ReadonlyMap<string, string>): readonly string[] =>
  [...files].flatMap(([path, source]) => {
    const from = partOf(path);
    if (from === null || from === "test") return [];
    return importsOf(path, source).flatMap((target) => {
      const to = partOf(target);
      if (to === null || mayImport[from].includes(to)) return [];
      const allowed = mayImport[from].map((part) => (part === null ? "" : names[part])).join(", ");
      return [
        `${path} imports ${target}: ${names[from]} may not depend on ${names[to]}, only on ${allowed}.`,
      ];
    });
  });
