#!/usr/bin/env bash
# Installs pytest-saliency-sanity and what the user's methods need.
#
# PACKAGE: what pip is to install as pytest-saliency-sanity; empty: as it stands beside this script, with the extra
# `report`; `none`: nothing, since the requirements bring it. REQUIREMENTS: lines of a requirements file, with paths
# relative to this folder. INDEX: one more package index, that of PyTorch without CUDA; it may be empty.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/common.sh"

install=()
case "${PACKAGE:-}" in
  none) ;;
  "") install+=("${here%/*}[report]") ;;
  -*) give_up "the input package is '$PACKAGE': give a requirement, such as pytest-saliency-sanity[report]>=0.1" ;;
  *) install+=("$PACKAGE") ;;
esac
if [ -n "${REQUIREMENTS:-}" ]; then
  # In this folder, because pip reads `-r other.txt` relative to the file that says so.
  file="$(mktemp ./.saliency-requirements-XXXXXX)"
  trap 'rm -f "$file"' EXIT
  printf '%s\n' "$REQUIREMENTS" > "$file"
  install+=(--requirement "$file")
fi
if [ "${#install[@]}" -gt 0 ]; then
  if [ -n "${INDEX:-}" ]; then
    install+=(--extra-index-url "$INDEX")
  fi
  python -m pip --disable-pip-version-check install "${install[@]}"
fi
python -c 'import pytest_saliency_sanity' ||
  give_up "pytest-saliency-sanity is not installed: leave the input package empty, or name it in requirements"
