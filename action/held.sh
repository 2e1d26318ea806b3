#!/usr/bin/env bash
# Tells what the folder NETWORKS holds: if that is another before and after a run, a network was trained.
#
# Output: `held`, a digest of the names of all trained networks; empty if there is none. A name has a digest of the
# network's recipe, so a network of another recipe has another name.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

names="$(find "$NETWORKS" -name '*.safetensors' ! -name '.*' 2> /dev/null | LC_ALL=C sort || true)"
hand_on held "${names:+$(digest_of "$names")}"
