/**
 * Lines that say how the watched repository gets another commit: by a version of the seed, where the model has one, otherwise
 * by the model's own folder.
 * @param changes the versions in seed/<model>/versions
 * @param data the option --data with its folder, or nothing for the default folder
 */
export const formatNextCommit = (
  { model, repository, data }: { readonly model: string; readonly repository: string; readonly data: string },
  changes: readonly string[],
): readonly string[] => {
  const folder = `models/${model}`;
  const command = `npx slipway rehearse --change better${model === "churn" ? "" : ` --model ${model}`}${data}`;
  return changes.includes("better")
    ? [
        `Next: commit to ${repository}, or run in a second terminal`,
        `  ${command}     (or worse, or broken: the gates stop them)`,
      ]
    : [
        `Next: change ${folder}, then commit it to the watched repository in a second terminal`,
        `  cp ${folder}/* ${repository}/${folder}/ && git -C ${repository} add ${folder} && git -C ${repository} commit -m "Change ${model}"`,
      ];
};
