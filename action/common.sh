# What the steps of the action share. It is sourced.
# shellcheck shell=bash

# Fail the step with a sentence that the page of the job shows: the exit status of something that can't be used is 2.
give_up() {
  printf '::error title=pytest-saliency-sanity::%s\n' "$(as_data "$1")"
  exit 2
}

# Show a sentence on the page of the job.
warn() {
  printf '::warning title=pytest-saliency-sanity::%s\n' "$(as_data "$1")"
}

# Print a text as the data of a workflow command, which ends at the end of the line.
as_data() {
  local text="$1"
  text="${text//'%'/%25}"
  text="${text//$'\r'/%0D}"
  printf '%s' "${text//$'\n'/%0A}"
}

# Print a short word that is another for another text.
digest_of() {
  printf '%s' "$1" | cksum | tr ' ' '-'
}

# Hand a value to later steps. Of several lines, the others could be read as further values.
hand_on() {
  case "$2" in *$'\n'* | *$'\r'*) give_up "$1 has more than one line: '$2'" ;; esac
  printf '%s=%s\n' "$1" "$2" >> "${GITHUB_OUTPUT:-/dev/null}"
}

# Print a text without white space around it.
trimmed() {
  local text="${1#"${1%%[![:space:]]*}"}"
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# Append to `arguments` the prefix and the text of each line that is not blank.
arguments=()
add_lines() {
  local prefix="$1" line
  while IFS= read -r line || [ -n "$line" ]; do
    line="$(trimmed "$line")"
    if [ -n "$line" ]; then
      arguments+=("$prefix$line")
    fi
  done <<< "$2"
}

# Print the absolute path of a file or folder, which need not exist.
absolute() {
  case "$1" in
    /* | [A-Za-z]:[/\\]*) printf '%s' "$1" ;;
    *) printf '%s' "$PWD/$1" ;;
  esac
}
