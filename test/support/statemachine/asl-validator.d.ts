/** The package ships no types. */
declare module "asl-validator" {
  const validate: (
    definition: object,
    options?: { readonly checkPaths?: boolean; readonly checkArn?: boolean },
  ) => { readonly isValid: boolean; readonly errorsText: (separator?: string) => string };
  export default validate;
}
