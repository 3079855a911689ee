/** A line for a shell of this machine that asks a model; `keyed`: with the API key that the shell's SLIPWAY_KEY holds. */
export const formatCurlCommand = (
  { url, body }: { readonly url: string; readonly body: string },
  { keyed }: { readonly keyed: boolean },
): string =>
  `curl -s ${url}/v1/predict${keyed ? ' -H "x-api-key: $SLIPWAY_KEY"' : ""} -H 'content-type: application/json' -d '${body.replaceAll("'", "'\\''")}'`;
