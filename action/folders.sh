#!/usr/bin/env bash
# Tells which folders are worth caching.
#
# PACKAGE, REQUIREMENTS: as install.sh takes them.
# Outputs: `pip` and `networks`, the folders, of which `pip` is empty if there is no cache; `wanted`, a digest of what
# is to be installed; `week`, so that the cache of packages is renewed now and then.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

hand_on pip "$(python -m pip cache dir 2> /dev/null || true)"
hand_on networks "$(absolute "${SALIENCY_SANITY_CACHE_DIR:-$HOME/.cache/pytest-saliency-sanity}")"
hand_on week "$(date +%G-%V)"
hand_on wanted "$(digest_of "${PACKAGE:-}/${REQUIREMENTS:-}")"
