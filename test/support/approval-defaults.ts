/** What most tests of approvals leave as it is: the author is known, one person may approve. */
export const approvalDefaults = {
  baseline: 0,
  fence: 1,
  author: { name: "Sam", email: "sam@example.com" },
  pusher: null,
  contributors: null,
  evidence: { champion: null, changed: [], checks: [], omitted: [] },
  rule: { approvers: ["U024BE7LH"], quorum: 1, authorMayApprove: true, timeout: "PT24H" },
};
