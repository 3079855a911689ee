/** The checked manifest as JSON, which only a build writes beside model.yaml. */
export const preparedManifestFile = "manifest.json";
