/**
 * The task of an approval waits so much longer than the approvers have: so no vote counts without a task, and people get the
 * whole time of the manifest.
 */
export const expiryMarginSeconds = 60;
