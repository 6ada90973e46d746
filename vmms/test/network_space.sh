# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced first by a test of networks: the test runs again in a network and mount namespace of its own.
if [ -z "${IN_NAMESPACE:-}" ]; then
	for program in ip nft dnsmasq; do
		command -v $program > /dev/null || { echo "skipped: $program is not installed" && exit 77; }
	done
	unshare --net --mount true 2> /dev/null || { echo "skipped: no name spaces to be had" && exit 77; }
	# /sys shows the network namespace that it was mounted in
	IN_NAMESPACE=1 exec unshare --net --mount sh -c 'mount -t sysfs none /sys && exec "$0" "$@"' "$0" "$@"
fi
