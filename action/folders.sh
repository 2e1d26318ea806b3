#!/usr/bin/env bash
# Tells later steps which folders to cache, by which keys, and what a shard is called.
#
# PACKAGE, REQUIREMENTS: as install.sh takes them. SHARD: as run.sh does.
# Outputs: `pip` and `networks`, the folders, of which `pip` is empty if there is no cache; `wanted`, a digest of what
# is to be installed; `week`, since a cache is never written anew under the same key; `suffix`, of the artifact of a
# shard.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

hand_on pip "$(python -m pip cache dir 2> /dev/null || true)"
hand_on networks "$(absolute "${SALIENCY_SANITY_CACHE_DIR:-$HOME/.cache/pytest-saliency-sanity}")"
hand_on suffix "${SHARD:+-${SHARD/\//-of-}}"
hand_on week "$(date +%G-%V)"
hand_on wanted "$(digest_of "${PACKAGE:-}/${REQUIREMENTS:-}")"
