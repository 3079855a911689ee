/** Every client of AWS in this process acts as this profile from now on; undefined: as the environment says. */
export const useProfile = (profile: string | undefined): void => {
  if (profile !== undefined) process.env.AWS_PROFILE = profile;
};
