#!/usr/bin/env bash
# Checks each model that differs between $BASE and the checked-out commit; all of them where policy.yaml differs.
set -euo pipefail
slipway="$GITHUB_ACTION_PATH/../../../cli/slipway.mjs"

if [ -z "${BASE:-}" ]; then
  echo "::error title=slipway check::There is no commit to compare with. Use this action on pull_request, or set its input base."
  exit 1
fi
if ! git cat-file -e "$BASE^{commit}" 2>/dev/null; then
  # A shallow checkout lacks it.
  git fetch --quiet --no-tags --depth=1 origin "$BASE"
fi

declare -A models=()
while IFS= read -r -d '' path; do
  case "$path" in
    models/*/*)
      name="${path#models/}"
      models["${name%%/*}"]=1
      ;;
    policy.yaml)
      for folder in models/*/; do
        name="${folder#models/}"
        models["${name%/}"]=1
      done
      ;;
  esac
done < <(git diff --name-only --no-renames -z "$BASE" HEAD --)

failed=0
checked=0
for name in "${!models[@]}"; do
  # A removed model has nothing to check.
  [ -d "models/$name" ] || continue
  checked=$((checked + 1))
  # The command's own error, such as a folder without model.yaml, is no annotation: it is repeated as one.
  errors="$(mktemp)"
  if ! node "$slipway" check "models/$name" 2> >(tee "$errors" >&2); then
    failed=1
    if [ -s "$errors" ]; then
      text="$(head -c 2000 "$errors")"
      text="${text//'%'/%25}"
      text="${text//$'\r'/%0D}"
      text="${text//$'\n'/%0A}"
      echo "::error title=slipway check::$text"
    fi
  fi
  rm -f "$errors"
done
echo "Models checked: $checked."
exit "$failed"
