#!/usr/bin/env bash
# with-network.sh COMMAND...: run inside the node, it gives a command the machine's network, as a build of an image needs that
# fetches packages.
set -euo pipefail
exec nsenter --net="${STATE:?the folder of the node}/machine-net" -- "$@"
