/** A shell command that calls a model; `keyed`: it sends the API key in the shell's variable SLIPWAY_KEY. */
export const formatCurlCommand = (
  { url, body }: { readonly url: string; readonly body: string },
  { keyed }: { readonly keyed: boolean },
): string =>
  `curl -s ${url}/v1/predict${keyed ? ' -H "x-api-key: $SLIPWAY_KEY"' : ""} -H 'content-type: application/json' -d '${body.replaceAll("'", "'\\''")}'`;
