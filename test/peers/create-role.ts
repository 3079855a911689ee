/** Creates a role in one of moto's accounts by IAM's query API, because nothing else needs the SDK's IAM client. */
export const createRole = async (
  endpoint: string,
  account: string,
  name: string,
  trust: { readonly account: string; readonly externalId: string } | { readonly service: string },
): Promise<string> => {
  const principal =
    "service" in trust
      ? { Principal: { Service: trust.service } }
      : {
          Principal: { AWS: `arn:aws:iam::${trust.account}:root` },
          Condition: { StringEquals: { "sts:ExternalId": trust.externalId } },
        };
  const document = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", ...principal }],
  };
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      // moto reads the service from here, and the account from its own header.
      authorization:
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0",
      "x-moto-account-id": account,
    },
    body: new URLSearchParams({
      Action: "CreateRole",
      Version: "2010-05-08",
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify(document),
    }),
  });
  if (!response.ok) throw new Error(`moto did not create a role: ${await response.text()}`);
  return `arn:aws:iam::${account}:role/${name}`;
};
