/** All AWS clients of this process use this profile from now on; undefined: the environment decides. */
export const useProfile = (profile: string | undefined): void => {
  if (profile !== undefined) process.env.AWS_PROFILE = profile;
};
