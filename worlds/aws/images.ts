import { ECRClient } from "@aws-sdk/client-ecr";
import { createEcrRepository } from "#platform/images/ecr.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

/** The image repository that the environment names. */
export const createImages = ({ env }: { readonly env: GroupVariables<"images"> }) =>
  createEcrRepository({ ecr: new ECRClient({}), repository: env.IMAGE_REPOSITORY });
