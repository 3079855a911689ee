/**
 * crane, with a registry on this machine (RUNBOOK_REGISTRY) in place of public registries and ECR. What it copies to ECR's
 * address is also put into moto's repository, because moto's ECR does not speak the registry protocol.
 */
import { spawnSync } from "node:child_process";
import { ECRClient, PutImageCommand } from "@aws-sdk/client-ecr";

const { RUNBOOK_REGISTRY: registry = "", RUNBOOK_CRANE: crane = "" } = process.env;
const ecrAddress = /^\d{12}\.dkr\.ecr\.[\w-]+\.amazonaws\.com\/([\w./-]+):([\w.-]+)$/;
const publicAddress = /^(?:public\.ecr\.aws|ghcr\.io)\//;

const args = process.argv.slice(2);
const [verb] = args;
if (verb !== "auth" && verb !== "copy" && verb !== "digest") {
  process.stderr.write(`crane ${verb} is not in the runbook\n`);
  process.exit(1);
}
const toLocal = (arg: string): string =>
  ecrAddress.test(arg) || publicAddress.test(arg) ? `${registry}/${arg}` : arg;
const localArgs = verb === "auth" ? args : args.map(toLocal);
const { status } = spawnSync(crane, localArgs, { stdio: "inherit" });
process.exitCode = status ?? 1;

const [, repositoryName, imageTag] = ecrAddress.exec(args.at(-1) ?? "") ?? [];
if (status === 0 && verb === "copy" && repositoryName !== undefined) {
  const { stdout } = spawnSync(crane, ["manifest", toLocal(args.at(-1) ?? "")], { encoding: "utf8" });
  const { mediaType } = JSON.parse(stdout);
  await new ECRClient({}).send(
    new PutImageCommand({
      repositoryName,
      imageTag,
      imageManifest: stdout,
      imageManifestMediaType: mediaType,
    }),
  );
}
