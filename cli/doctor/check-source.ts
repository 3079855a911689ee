import { CommitNotFound, type Source } from "#platform/source/source.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Checks that the repository and its delivery branch are readable, and lists the models. */
export const checkSource = async (source: Source, outputs: AwsOutputs): Promise<DoctorFinding> => {
  const { SOURCE_REPOSITORY: repository, SOURCE_BRANCH: branch, SOURCE_HOST: host } = outputs;
  try {
    const { id } = await source.commit(branch);
    const models = await source.models(id);
    return models.length > 0
      ? {
          status: "ok",
          sentence: `The repository ${repository} has ${models.join(", ")} at ${id.slice(0, 12)} of ${branch}.`,
        }
      : {
          status: "warning",
          sentence: `The repository ${repository} has no model under models/ on ${branch}.`,
          remedy: "Commit one: docs/adding-a-model.md.",
        };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return {
      status: "missing",
      sentence:
        error instanceof CommitNotFound
          ? `The repository ${repository} has no branch ${branch}.`
          : `The repository ${repository} cannot be read: ${name}: ${message}`,
      remedy:
        host === "github"
          ? "Check that SOURCE_REPOSITORY is owner/name, that the branch exists, and that the secret GITHUB_TOKEN may read contents."
          : `Apply the stack \`delivery\`, then push to it: git push codecommit://${repository} ${branch}`,
    };
  }
};
