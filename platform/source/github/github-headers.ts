const json = "application/vnd.github+json";

/** What every call of GitHub's REST API sends. https://docs.github.com/en/rest/about-the-rest-api/api-versions */
export const createGitHubHeaders = (token: string, accept = json) => ({
  accept,
  authorization: `Bearer ${token}`,
  "user-agent": "slipway",
  "x-github-api-version": "2022-11-28",
});
