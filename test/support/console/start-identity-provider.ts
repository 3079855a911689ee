import { once } from "node:events";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

export type ProviderPerson = { readonly user: string; readonly team: string };

/**
 * An OpenID provider in place of Slack's: the same flow, claims and client authentication. Anyone signs in there with a
 * user's id and any password.
 */
export const startIdentityProvider = async ({
  clientId,
  clientSecret,
  redirectUrl,
  people,
}: {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUrl: string;
  readonly people: readonly ProviderPerson[];
}) => {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = `http://127.0.0.1:${address.port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUrl],
        token_endpoint_auth_method: "client_secret_post",
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: "sig", alg: "RS256", kid: "test" }] },
    cookies: { keys: ["a key of the test"] },
    // Slack's claims are in the id token itself.
    conformIdTokenClaims: false,
    claims: { openid: ["sub", "https://slack.com/user_id", "https://slack.com/team_id"] },
    ttl: { Interaction: 3_600, Session: 3_600, Grant: 3_600, AccessToken: 3_600, IdToken: 3_600 },
    pkce: { required: () => true },
    findAccount: (_, id) => {
      const person = people.find(({ user }) => user === id);
      return (
        person && {
          accountId: id,
          claims: () => ({
            sub: id,
            "https://slack.com/user_id": person.user,
            "https://slack.com/team_id": person.team,
          }),
        }
      );
    },
  });
  server.on("request", provider.callback());
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};
