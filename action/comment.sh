#!/usr/bin/env bash
# Writes the summary as a comment on a pull request. The comment of an earlier run is replaced: it is known by a marker.
# If a run left no summary, such a comment says so, since it would tell what is not true any more.
#
# SUMMARY: the file in Markdown. PULL_REQUEST: its number. REPOSITORY: owner/name. NAME: of the marker, so that several
# reports can have a comment each. RUN: the address of the run. GH_TOKEN: for gh.
# A comment is not the gate: if it can't be written, that is a warning.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

most=60000 # bytes; a comment takes 65,536 characters

case "${PULL_REQUEST:-}" in
  "" | *[!0-9]*)
    warn "no comment was written: '${PULL_REQUEST:-}' is not the number of a pull request"
    exit 0
    ;;
esac

export MARKER="<!-- pytest-saliency-sanity: ${NAME//[!A-Za-z0-9._-]/-} -->"
body="$(mktemp)"
said="$(mktemp)"
trap 'rm -f "$body" "$said"' EXIT
{
  printf '%s\n' "$MARKER"
  if [ -s "$SUMMARY" ]; then
    LC_ALL=C awk -v most="$most" '{ size += length($0) + 1; if (size > most) exit; print }' "$SUMMARY"
    if [ "$(wc -c < "$SUMMARY")" -gt "$most" ]; then
      printf '\n</details>\n\nThe rest is left out here.\n'
    fi
  else
    printf '## 🟥 Saliency sanity: the last run left no summary\n\nThe page of its job says why.\n'
  fi
  printf '\n[The run, with its report page](%s)\n' "$RUN"
} > "$body"

# Only comments of the token's own account, or of a bot if that is not told, as to the token of a job: whoever else
# copies the marker into a comment keeps what they wrote.
mine='if env.ME != "" then .user.login == env.ME else .user.type == "Bot" end'
own=".[] | select(($mine) and (.body | startswith(env.MARKER))) | .id"
written() {
  local found comment
  ME="$(gh api user --jq .login 2> /dev/null)" || ME=""
  export ME
  found="$(gh api --paginate "repos/$REPOSITORY/issues/$PULL_REQUEST/comments?per_page=100" --jq "$own")" || return 1
  read -r comment <<< "$found" || true
  if [ -n "$comment" ]; then
    gh api --method PATCH "repos/$REPOSITORY/issues/comments/$comment" --field "body=@$body" --silent
  elif [ -s "$SUMMARY" ]; then
    gh api --method POST "repos/$REPOSITORY/issues/$PULL_REQUEST/comments" --field "body=@$body" --silent
  fi
}
if ! written 2> "$said"; then
  warn "the comment was not written ($(tr '\n' ' ' < "$said")): the job needs gh, and 'permissions: pull-requests: write',
which a pull request from a fork does not get. The summary stands on the page of the run"
elif [ ! -s "$SUMMARY" ]; then
  warn "the run left no summary. The page of its job says why"
fi
