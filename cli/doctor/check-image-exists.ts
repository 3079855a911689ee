import * as z from "zod";
import type { DoctorFinding } from "./finding.ts";

const Token = z.object({ token: z.string().optional(), access_token: z.string().optional() });

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** `public.ecr.aws/lambda/nodejs:24@sha256:…` → registry, repository, and the digest, or the tag where there is none. */
const parseReference = (image: string) => {
  const [, registry = "", path = "", tag, digest] =
    image.match(/^([^/]+)\/([^:@]+)(?::([\w.-]+))?(?:@(sha256:[0-9a-f]{64}))?$/) ?? [];
  return { registry, path, version: digest ?? tag ?? "latest" };
};

/** The address at which a registry gives anonymous tokens, from its refusal. https://distribution.github.io/distribution/spec/auth/token/ */
const readTokenAddress = (challenge: string, registry: string): URL | undefined => {
  const read = (name: string) => challenge.match(new RegExp(`${name}="([^"]*)"`))?.[1];
  const url = URL.parse(read("realm") ?? "");
  // A registry may name only an address of its own domain: what it names is called.
  const domain = registry.split(".").slice(-2).join(".").replace(/:\d+$/, "");
  if (url === null || !(url.hostname === domain || url.hostname.endsWith(`.${domain}`))) return undefined;
  for (const name of ["service", "scope"]) {
    const value = read(name);
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
};

/**
 * Checks that a public registry has an image that the configuration names.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#checking-if-content-exists-in-the-registry
 */
export const checkImageExists = async (
  { fetch }: { readonly fetch: typeof globalThis.fetch },
  { setting, image, remedy }: { readonly setting: string; readonly image: string; readonly remedy: string },
): Promise<DoctorFinding> => {
  const { registry, path, version } = parseReference(image);
  const head = (headers: Readonly<Record<string, string>>) =>
    fetch(`https://${registry}/v2/${path}/manifests/${version}`, {
      method: "HEAD",
      headers: { accept: manifestTypes, ...headers },
      signal: AbortSignal.timeout(10_000),
    });
  const lookUp = async (): Promise<Response> => {
    const response = await head({});
    if (response.status !== 401) return response;
    const address = readTokenAddress(response.headers.get("www-authenticate") ?? "", registry);
    if (address === undefined) return response;
    const answer = await fetch(address, { signal: AbortSignal.timeout(10_000) });
    const { token, access_token } = Token.parse(await answer.json());
    return head({ authorization: `Bearer ${token ?? access_token}` });
  };
  const warning = (why: string): DoctorFinding => ({
    status: "warning",
    sentence: `Whether ${registry} has ${setting}, ${image}, is not known: ${why}.`,
    remedy: `Check it yourself: crane digest ${image}`,
  });
  try {
    const { ok, status } = await lookUp();
    if (ok) return { status: "ok", sentence: `${registry} has ${setting}, ${image}.` };
    return status === 404
      ? { status: "missing", sentence: `${registry} has no ${image} (${setting}).`, remedy }
      : warning(`it returned status ${status}`);
  } catch (error) {
    return warning(`this machine does not reach it (${error instanceof Error ? error.message : error})`);
  }
};
