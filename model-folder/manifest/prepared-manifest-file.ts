/** Name of the manifest as JSON, which a build lays beside the model.yaml that it checked; other folders have none. */
export const preparedManifestFile = "manifest.json";
