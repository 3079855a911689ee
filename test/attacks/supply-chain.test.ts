/** No code of a commit runs with access to credentials, and its packages are checked for known vulnerabilities. */
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { afterEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { parseLockFile } from "#scripts/parse-lock-file.ts";
import { createProductSbom } from "#scripts/product-sbom.ts";
import { readGoModules } from "#scripts/read-go-modules.ts";
import { readProductPackages } from "#scripts/read-product-packages.ts";
import { readUnpackStep, unpackArtefact } from "#test/infrastructure/unpack-artefact.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const workflows = join(root, ".github", "workflows");

// Loose: fields without a rule here (env, secrets, environment) may also hold a credential.
const Step = z.looseObject({
  name: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  env: z.record(z.string(), z.unknown()).optional(),
});
const Permissions = z.union([z.string(), z.record(z.string(), z.string())]);
const Image = z.union([z.string(), z.looseObject({ image: z.string() })]);
const Job = z.looseObject({
  uses: z.string().optional(),
  container: Image.optional(),
  services: z.record(z.string(), Image).default({}),
  permissions: Permissions.optional(),
  steps: z.array(Step).default([]),
});
const Workflow = z.looseObject({ permissions: Permissions, jobs: z.record(z.string(), Job) });
type Workflow = z.infer<typeof Workflow>;

/**
 * Whether a job can assume a role, write to the repository, or read a secret. An environment has its own secrets,
 * and roles trust jobs by its name. Expressions ignore case.
 */
const hasCredentials = (workflow: Workflow, job: z.infer<typeof Job>): boolean => {
  const permissions = job.permissions ?? workflow.permissions;
  const rights = typeof permissions === "string" ? [permissions] : Object.values(permissions);
  return (
    rights.some((right) => right.startsWith("write")) ||
    job.environment !== undefined ||
    /\bsecrets\b/i.test(JSON.stringify([job, workflow.env]))
  );
};

/** A command that is an interpreter or a file's path. */
const repositoryCommand =
  /(^|[;&|(]|\b(do|then|else|exec|xargs)\s|!\s)[ \t]*((npm|npx|node|make|python3?|go|bash|sh|source|\.)\s|\.{1,2}\/)/m;
/** Why a step may run the commit's code; undefined: it does not. */
const findCommitCode = ({ uses, run }: z.infer<typeof Step>): string | undefined => {
  if (uses?.startsWith("./")) return `uses ${uses}`;
  if (uses?.startsWith("actions/checkout@")) return "checks the commit out";
  // Text in single quotes is another language, for example jq.
  if (repositoryCommand.test((run ?? "").replaceAll(/'[^']*'/g, "''"))) return `runs ${run}`;
  if (/\$\{\{(?!\s*(vars|needs)\.)/.test(run ?? "")) return "puts untrusted text into a script";
  return undefined;
};
const findViolations = (workflow: Workflow): readonly string[] =>
  Object.entries(workflow.jobs).flatMap(([name, job]) =>
    hasCredentials(workflow, job)
      ? [...(job.uses === undefined ? [] : [`${name}: uses ${job.uses}`])].concat(
          job.steps.flatMap((step) => {
            const why = findCommitCode(step);
            return why === undefined ? [] : [`${name}: ${why}`];
          }),
        )
      : [],
  );

/** Others' actions, workflows and images by tag: their owners can move the tag and run code in the job. */
const findUnpinnedActions = (workflow: Workflow): readonly string[] =>
  Object.values(workflow.jobs).flatMap(({ uses, container, services, steps }) => {
    // A workflow of this repository comes with the commit, like its caller.
    const external = uses?.startsWith("./.github/workflows/") ? undefined : uses;
    const actions = [external, ...steps.map((step) => step.uses)].filter((name) => name !== undefined);
    const images = [...(container === undefined ? [] : [container]), ...Object.values(services)].map((ref) =>
      typeof ref === "string" ? ref : ref.image,
    );
    return [
      ...actions.filter(
        (name) => !/^([\w.-]+\/[\w./-]+@[0-9a-f]{40}|docker:\/\/[^@]+@sha256:[0-9a-f]{64})$/.test(name),
      ),
      ...images.filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image)),
    ];
  });

describe.each(readdirSync(workflows))("the workflow %s", (file) => {
  const text = readFileSync(join(workflows, file), "utf8");
  const workflow = Workflow.parse(parse(text, { merge: true }));

  test("runs the commit's code in no job that can get credentials", () => {
    expect(findViolations(workflow)).toEqual([]);
  });

  test("gives no permission to all of its jobs, and pins others' actions by commit", () => {
    expect(workflow.permissions).toEqual({});
    expect(findUnpinnedActions(workflow)).toEqual([]);
    expect(text).not.toMatch(/pull_request_target|workflow_run/);
  });
});

test.each([
  ["npm", { run: "npm ci && npm run plan" }],
  ["a script of the repository", { run: "set -e\n./scripts/plan" }],
  ["an action of the repository", { uses: "./.github/actions/plan" }],
  ["a checkout", { uses: "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8" }],
  ["a branch's name in a script", { run: `echo \${{ github.head_ref }}` }],
])("the rule detects %s next to an identity", (_, step) => {
  const job = { permissions: { "id-token": "write" }, steps: [step] };
  expect(findViolations(Workflow.parse({ permissions: {}, jobs: { plan: job } }))).toHaveLength(1);
  const without = { permissions: { contents: "read" }, steps: [step] };
  expect(findViolations(Workflow.parse({ permissions: {}, jobs: { synth: without } }))).toEqual([]);
});

const expression = (text: string): string => `\${{ ${text} }}`;
test.each([
  ["a secret in a job's env", { env: { TOKEN: expression("secrets.TOKEN") } }, {}],
  ["a secret in the workflow's env", {}, { env: { TOKEN: expression("secrets.TOKEN") } }],
  ["a secret in a step's env", { steps: [{ env: { TOKEN: expression("secrets.TOKEN") } }] }, {}],
  ["a secret by index", { env: { TOKEN: expression("secrets['TOKEN']") } }, {}],
  ["a secret in capitals", { env: { TOKEN: expression("SECRETS.TOKEN") } }, {}],
  ["all secrets at once", { env: { ALL: expression("toJSON(secrets)") } }, {}],
  [
    "a container's password",
    { container: { image: "a", credentials: { password: expression("secrets.A") } } },
    {},
  ],
  ["an environment", { environment: "infrastructure" }, {}],
  ["an environment with an address", { environment: { name: "infrastructure", url: "https://a" } }, {}],
  ["a right of the workflow", { permissions: undefined }, { permissions: { contents: "write" } }],
  ["every right", { permissions: "write-all" }, {}],
])("the rule detects %s as credentials next to a commit's code", (_, job, workflow) => {
  const command = { run: "npm ci" };
  const steps = [...("steps" in job ? job.steps : []), command];
  const fullJob = { permissions: {}, ...job, steps };
  expect(findViolations(Workflow.parse({ permissions: {}, ...workflow, jobs: { fullJob } }))).toHaveLength(1);
});

test("the rule detects another workflow of the repository where the job can get credentials", () => {
  const job = { uses: "./.github/workflows/ci.yml", permissions: { "id-token": "write" } };
  expect(findViolations(Workflow.parse({ permissions: {}, jobs: { job } }))).toHaveLength(1);
  const without = { ...job, permissions: { contents: "read" } };
  expect(findViolations(Workflow.parse({ permissions: {}, jobs: { one: without } }))).toEqual([]);
});

test("the rule detects another workflow that gets all secrets", () => {
  const job = { uses: "./.github/workflows/other.yml", secrets: "inherit" };
  expect(findViolations(Workflow.parse({ permissions: {}, jobs: { job } }))).toHaveLength(1);
});

test.each([
  ["an action by its tag", { steps: [{ uses: "actions/checkout@v5" }] }],
  ["an action by a shortened commit", { steps: [{ uses: "actions/checkout@08c6903" }] }],
  ["an image as an action", { steps: [{ uses: "docker://alpine:3" }] }],
  ["another's workflow by its branch", { uses: "other/repository/.github/workflows/a.yml@main" }],
  ["a container by its tag", { container: "node:24" }],
  ["a service by its tag", { services: { database: { image: "postgres:18" } } }],
])("the rule detects %s", (_, job) => {
  expect(findUnpinnedActions(Workflow.parse({ permissions: {}, jobs: { one: job } }))).toHaveLength(1);
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "slipway-supply-chain-"));
  folders.push(folder);
  return folder;
};

describe("the artefact of synth", () => {
  const stack = (changes: Readonly<Record<string, unknown>> = {}) => ({
    "//": { metadata: {} },
    terraform: {
      backend: { s3: { bucket: "states" } },
      required_providers: { aws: { source: "hashicorp/aws", version: "6.66.0" } },
    },
    provider: { aws: [{ region: "eu-central-1" }] },
    resource: {
      aws_lambda_function: {
        one: {
          filename: "../../../../dist/roll-back.zip",
          source_code_hash: `\${filebase64sha256("../../../../dist/roll-back.zip")}`,
        },
      },
    },
    data: { terraform_remote_state: { network: { backend: "s3", config: {} } } },
    ...changes,
  });
  const secret = { aws_ssm_parameter: { a: { value: "" } } };
  const withValue = (value: string) => stack({ output: { a: { value } }, resource: secret });

  /** Runs the unpack step of the job with the identity on these stacks. */
  const unpack = (
    content: unknown,
    { digest, extra }: { digest?: string; extra?: (folder: string) => void } = {},
  ) => {
    const folder = temporary();
    const file = join(folder, "terraform/cdktf.out/stacks/delivery/cdk.tf.json");
    mkdirSync(dirname(file), { recursive: true });
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "dist/runtime.digest"), "sha256:0\n");
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    extra?.(folder);
    return unpackArtefact(folder, digest);
  };

  test("is accepted with AWS resources alone", () => {
    const { status, output, read } = unpack(stack());
    expect({ status, output }).toEqual({ status: 0, output: "" });
    expect(JSON.parse(read.get("delivery") ?? "")).toEqual(stack());
  });

  test("is the same in both jobs that sign in", () => {
    expect(readUnpackStep("plan")).toEqual(readUnpackStep("apply"));
  });

  test("is refused with another digest than synth's", () => {
    expect(unpack(stack(), { digest: "0".repeat(64) })).toMatchObject({ status: 1 });
  });

  const environment = "/proc/self/environ";
  test.each<[string, unknown]>([
    ["a program as a data source", stack({ data: { external: { a: { program: ["sh", "-c", "env"] } } } })],
    [
      "another provider",
      stack({
        terraform: {
          ...stack().terraform,
          required_providers: { aws: { source: "evil/aws", version: "6.66.0" } },
        },
      }),
    ],
    [
      "a provider next to AWS's",
      stack({
        terraform: {
          ...stack().terraform,
          required_providers: {
            ...stack().terraform.required_providers,
            evil: { source: "evil/evil", version: "1.0.0" },
          },
        },
      }),
    ],
    [
      "a provider of any version",
      stack({
        terraform: {
          ...stack().terraform,
          required_providers: { aws: { source: "hashicorp/aws", version: ">= 6" } },
        },
      }),
    ],
    [
      "a state elsewhere",
      stack({ terraform: { ...stack().terraform, backend: { http: { address: "https://evil" } } } }),
    ],
    ["a module", stack({ module: { a: { source: "git::https://evil" } } })],
    [
      "a command in a resource",
      stack({ resource: { aws_sns_topic: { a: { provisioner: [{ "local-exec": { command: "env" } }] } } } }),
    ],
    [
      "a resource that runs commands",
      stack({ resource: { terraform_data: { a: {} }, null_resource: { a: {} } } }),
    ],
    ["the job's environment in an output", withValue(`\${base64encode(file("${environment}"))}`)],
    ["the same with a space", withValue(`\${file ("${environment}")}`)],
    ["the same with a comment", withValue(`\${file/**/("${environment}")}`)],
    [
      "the same next to an allowed call",
      withValue(`\${file("../../../../dist/a.zip")}\${filebase64("${environment}")}`),
    ],
    ["the same through parent folders", withValue(`\${file("../../../../dist/../../${environment}")}`)],
    ["the same as a template", withValue(`\${templatefile("${environment}", {})}`)],
    ["the same as a key", stack({ output: { a: { value: { [`\${file("${environment}")}`]: 1 } } } })],
  ])("is refused with %s", (_, content) => {
    const { status, output } = unpack(content);
    expect(output).toContain("::error::");
    expect(status).toBe(1);
  });

  const readable = (value: unknown) => ({ aws_s3_object: { a: { bucket: "b", key: "k", source: value } } });
  const zip = "../../../../dist/a.zip";
  test.each<[string, Readonly<Record<string, unknown>>]>([
    ["the job's environment as an object", readable(environment)],
    ["the same through parent folders", readable(`../../../../dist/../../..${environment}`)],
    ["the credentials file as an object", readable("~/.aws/credentials")],
    ["a file by its computed name", readable(`\${join("", ["/proc/self", "/environ"])}`)],
    ["a file of dist by a computed name", readable(`../../../../dist/\${"a"}.zip`)],
    ["a file on a second line", readable(`${environment}\n${zip}`)],
    ["the same in a list of resources", { aws_s3_object: { a: [readable(zip), { source: environment }] } }],
    ["the job's environment as a function's code", { aws_lambda_function: { a: { filename: environment } } }],
    [
      "the same as a layer's",
      { aws_lambda_layer_version: { a: { layer_name: "a", filename: environment } } },
    ],
    ["the same as a canary's", { aws_synthetics_canary: { a: { zip_file: environment } } }],
    ["the same as a game server's", { aws_gamelift_script: { a: { zip_file: environment } } }],
  ])("is refused with %s", (_, resource) => {
    const { status, output } = unpack(stack({ resource }));
    expect(output).toContain("::error::");
    expect(status).toBe(1);
  });

  // A profile's credential_process is a command; a proxy or an endpoint sees what the job signs.
  test.each<[string, Readonly<Record<string, unknown>>]>([
    ["shared_config_files", { profile: "evil", shared_config_files: ["../../../../dist/evil.config"] }],
    ["shared_credentials_files", { shared_credentials_files: [environment] }],
    ["http_proxy", { http_proxy: "http://evil" }],
    ["endpoints", { endpoints: [{ s3: "https://evil" }] }],
    ["custom_ca_bundle", { custom_ca_bundle: environment }],
    ["a token's file", { assume_role_with_web_identity: [{ web_identity_token_file: environment }] }],
    ["an assumed role's source", { assume_role: [{ role_arn: "arn", source_identity: "a" }] }],
  ])("is refused where %s leads to provider or state", (_, settings) => {
    const { terraform, data } = stack();
    const config = { bucket: "states", ...settings };
    for (const changes of [
      { provider: { aws: [{ region: "eu-central-1", ...settings }] } },
      { terraform: { ...terraform, backend: { s3: config } } },
      { data: { terraform_remote_state: { network: { ...data.terraform_remote_state.network, config } } } },
    ]) {
      const { status, output } = unpack(stack(changes));
      expect(output).toContain("::error::");
      expect(status).toBe(1);
    }
  });

  test("reaches Terraform as it was checked, also with a duplicate key or a second document", () => {
    const twice = JSON.stringify(stack()).replace(
      '"resource":',
      `"resource":${JSON.stringify(readable(environment))},"resource":`,
    );
    expect(JSON.parse(twice)).toEqual(stack());
    const { status, read } = unpack(twice);
    expect(status).toBe(0);
    expect(read.get("delivery")).not.toContain(environment);
    const evil = JSON.stringify(stack({ resource: readable(environment) }));
    for (const text of [evil + JSON.stringify(stack()), JSON.stringify(stack()) + evil, ""])
      expect(unpack(text)).toMatchObject({ status: 1 });
  });

  test("is refused with a link, or with a file next to the stacks", () => {
    const link = (folder: string) => symlinkSync(environment, join(folder, "dist/a.zip"));
    expect(unpack(stack(), { extra: link })).toMatchObject({ status: 1 });
    const hcl = (folder: string) =>
      writeFileSync(join(folder, "terraform/cdktf.out/stacks/delivery/main.tf"), "# another provider");
    expect(unpack(stack(), { extra: hcl })).toMatchObject({ status: 1 });
  });
});

describe("the audit", () => {
  const fixture = JSON.parse(
    readFileSync(join(root, "platform/images/fixtures/GHSA-xvch-5gv4-984h.json"), "utf8"),
  );
  const lock = (version: string) => ({
    lockfileVersion: 3,
    packages: { "": { name: "slipway" }, "node_modules/minimist": { version, integrity: "sha512-AAAA" } },
  });
  const audit = ({
    version = "1.2.5",
    exceptions = [],
    today = "2026-11-28",
    asOf = "2026-11-27T00:00:00.000Z",
    covered = ["minimist"],
    more = [],
  }: {
    version?: string;
    exceptions?: readonly object[];
    today?: string;
    asOf?: string;
    covered?: readonly string[];
    more?: readonly string[];
  } = {}) => {
    const folder = temporary();
    const write = (name: string, value: unknown) => {
      writeFileSync(join(folder, name), JSON.stringify(value));
      return join(folder, name);
    };
    const options = [
      ...["--lock", write("package-lock.json", lock(version))],
      ...[
        "--advisories",
        write("npm.json", { asOf, ecosystem: "npm", packages: covered, advisories: [fixture] }),
      ],
      ...["--exceptions", write("exceptions.yaml", exceptions), "--today", today, ...more],
    ];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, "scripts/audit.ts"), ...options],
      {
        encoding: "utf8",
      },
    );
    return { status, stdout, stderr };
  };
  const exception = {
    id: fixture.id,
    package: "minimist",
    reason: "only tests parse arguments with it, and those are our own",
    until: "2026-12-31",
  };

  test("fails for a lock file with a critical vulnerability, and says what to do", () => {
    const { status, stderr } = audit();
    expect(status).toBe(1);
    expect(stderr).toMatch(/minimist 1\.2\.5: critical GHSA-xvch-5gv4-984h.*Update it \(fixed in 1\.2\.6\)/);
    expect(audit({ version: "1.2.6" }).status).toBe(0);
  });

  test("passes with an exception until its date, and not a day longer", () => {
    expect(audit({ exceptions: [exception], today: "2026-12-31" }).status).toBe(0);
    const { status, stderr } = audit({ exceptions: [exception], today: "2027-01-01" });
    expect(status).toBe(1);
    expect(stderr).toContain("ended on 2026-12-31");
  });

  test.each([
    ["for another package", { ...exception, package: "other" }],
    ["for another vulnerability", { ...exception, id: "GHSA-c2qf-rxjj-qqgw" }],
    ["for years", { ...exception, until: "2029-01-01" }],
    ["without a day", { ...exception, until: undefined }],
    ["without a reason", { ...exception, reason: "no" }],
  ])("fails with an exception %s", (_, candidate) => {
    expect(audit({ exceptions: [candidate] }).status).toBe(1);
  });

  test("warns about old or partial advisories, says how to refresh them, and fails for either in CI", () => {
    for (const partial of [{ asOf: "2026-01-01T00:00:00.000Z" }, { covered: [] }]) {
      const here = audit({ version: "1.2.6", ...partial });
      expect(here).toMatchObject({ status: 0, stderr: expect.stringContaining("WARNING:") });
      expect(here.stderr).toContain("npm run advisories");
      expect(audit({ version: "1.2.6", ...partial, more: ["--complete"] }).status).toBe(1);
    }
    expect(audit({ version: "1.2.6", more: ["--complete"] })).toMatchObject({ status: 0, stderr: "" });
  });

  test("passes for the product's own lock files with the committed advisories", () => {
    const { status, stdout } = spawnSync(process.execPath, [join(root, "scripts/audit.ts")], {
      encoding: "utf8",
    });
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("packages: no high"),
    });
  });
});

test("the SBOM names each package of the lock files with its archive's hash, and is CycloneDX 1.6", async () => {
  const packages = await readProductPackages();
  const modules = await readGoModules();
  const sbom = createProductSbom({ version: "1.2.3", packages, modules });
  expect(
    createProductSbom({ version: "1.2.3", packages: packages.toReversed(), modules: modules.toReversed() }),
  ).toBe(sbom);
  const schema = (name: string) =>
    JSON.parse(
      readFileSync(join(root, "node_modules/@cyclonedx/cyclonedx-library/res/schema", name), "utf8"),
    );
  const ajv = new Ajv.default({ strict: false });
  addFormats.default(ajv);
  for (const format of ["iri-reference", "idn-email"]) ajv.addFormat(format, true);
  for (const name of ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"])
    ajv.addSchema({ ...schema(name), $id: `http://cyclonedx.org/schema/${name}` });
  const valid = ajv.compile(schema("bom-1.6.SNAPSHOT.schema.json"));
  const document = JSON.parse(sbom);
  expect(valid(document), JSON.stringify(valid.errors)).toBe(true);

  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const { version, integrity } = lock.packages["node_modules/hono"];
  expect(document.components).toContainEqual(
    expect.objectContaining({
      purl: `pkg:npm/hono@${version}`,
      scope: "required",
      hashes: [{ alg: "SHA-512", content: Buffer.from(integrity.slice(7), "base64").toString("hex") }],
    }),
  );
  // crane pushes every image, so its modules belong to the product.
  const goMod = readFileSync(join(root, "packaging/crane/go.mod"), "utf8");
  expect(modules).toHaveLength(goMod.match(/\/\/ indirect/g)?.length ?? 0);
  expect(document.components).toContainEqual(
    expect.objectContaining({
      name: "github.com/google/go-containerregistry",
      purl: expect.stringMatching(/^pkg:golang\/github\.com\/google\/go-containerregistry@v\d/),
    }),
  );
  // A package inside another package's archive has no hash: the archive's hash covers it.
  const hashed = packages.filter(({ integrity }) => integrity !== undefined);
  expect(hashed.length).toBeGreaterThan(packages.length - 5);
  expect(document.components.filter(({ hashes }: { hashes?: unknown[] }) => hashes)).toHaveLength(
    hashed.length,
  );
  const names = parseLockFile(JSON.stringify(lock)).map(({ name, version }) => `${name}@${version}`);
  const components = new Set(
    document.components.map(({ name, version }: { name: string; version: string }) => `${name}@${version}`),
  );
  expect(names.filter((name) => !components.has(name))).toEqual([]);
});
