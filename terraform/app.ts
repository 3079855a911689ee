import { posix, relative } from "node:path";
import { App, Fn } from "cdktn";
import type { ArtifactRules } from "../platform/artifact-rules/artifact-rules.ts";
import type { DeployedFunction } from "./deployed-functions.ts";
import { readArtifactRules } from "./read-artifact-rules.ts";
import type { Accounts } from "./read-config.ts";
import { nameResources } from "./resource-names.ts";
import { addBootstrapStack, addToolingBootstrapStack } from "./stacks/bootstrap.ts";
import { addDeliveryStack } from "./stacks/delivery.ts";
import { addNetworkStack } from "./stacks/network.ts";
import { addRegistryStack, type RegistryOutputs } from "./stacks/registry.ts";
import { addServingStack } from "./stacks/serving.ts";

type Needs = {
  readonly accounts: Accounts;
  readonly functions: readonly DeployedFunction[];
  /** The output folder: `<folder>/stacks/<stack>/cdk.tf.json`. */
  readonly folder: string;
  /** The output of `npm run build`: `<verb-noun>.zip` for each function, `runtime.digest` and `builder.tar`. */
  readonly built: string;
  /** Where builds may read artefacts outside the repository; absent: as policy.yaml says. */
  readonly artifacts?: ArtifactRules;
};

const resolveRegistry = (app: App, accounts: Accounts, key: string): RegistryOutputs => {
  const { registry } = accounts.tooling;
  if (registry.kind === "existing") {
    const { uri, artifacts } = registry;
    return artifacts === undefined
      ? { uri }
      : { uri, artifacts: `arn:aws:s3:::${posix.join(artifacts.bucket, artifacts.prefix)}` };
  }
  return addRegistryStack(app, accounts, registry, {
    network: addNetworkStack(app, accounts, registry),
    key,
  });
};

/** Defines all stacks of the three accounts, with `folder` as the output. Makes no call to AWS. */
export const createSlipwayApp = ({
  accounts,
  functions,
  folder,
  built,
  artifacts = readArtifactRules(),
}: Needs): App => {
  const app = new App({ outdir: folder, context: { targetVersions: { terraform: ">=1.11" } } });
  // Relative, so that the output is the same on every machine.
  const toBuildPath = (file: string) => posix.join(relative(`${folder}/stacks/stack`, built), file);
  const zip = (name: string) => toBuildPath(`${name}.zip`);
  const tooling = addToolingBootstrapStack(app, accounts);
  const topic = nameResources(accounts).alarmTopicArn;
  /** A trial has one account, which tooling's bootstrap prepares: a second key or role of that name would be refused. */
  const environmentKey = (name: "stage" | "prod") =>
    accounts.tooling.trial ? tooling.key : addBootstrapStack(app, accounts, name).key;
  const environment = (name: "stage" | "prod") =>
    addServingStack(app, {
      accounts,
      environment: name,
      functions,
      zip,
      key: environmentKey(name),
      topic,
    });
  addDeliveryStack(app, {
    accounts,
    functions,
    zip,
    // Terraform reads it when it plans, like the zips, so synth needs no build.
    runtime: Fn.trimspace(Fn.file(toBuildPath("runtime.digest"))),
    builder: toBuildPath("builder.tar"),
    artifacts,
    key: tooling.key,
    github: tooling.github,
    registry: resolveRegistry(app, accounts, tooling.key),
    serving: { stage: environment("stage"), prod: environment("prod") },
  });
  return app;
};
