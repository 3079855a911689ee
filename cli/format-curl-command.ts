/** A longer body, for example with an image, hides the other lines of a terminal. */
export const maxShownBody = 2_000;

/**
 * A shell command that calls a model.
 * @param keyed it sends the API key in the shell's variable SLIPWAY_KEY
 * @param file a file with the body, where the body is too long to show
 */
export const formatCurlCommand = (
  { url, body }: { readonly url: string; readonly body: string },
  { keyed, file }: { readonly keyed: boolean; readonly file?: string },
): string =>
  `curl -s ${url}/v1/predict${keyed ? ' -H "x-api-key: $SLIPWAY_KEY"' : ""} -H 'content-type: application/json' ${file === undefined ? `-d '${body.replaceAll("'", "'\\''")}'` : `-d '@${file}'`}`;
