# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A real systemd for a test, sourced by it with its own arguments, in bash with errexit: from here on the test runs in
# namespaces of its own, where everything that systemd would empty or write to is its own; all of it ends with the namespace's
# first process. With own_network=yes the network, too. Exit 77: not possible here.

skip() {
    echo "-- skipped: $*"
    exit 77
}

# Control groups that are slices or scopes.
groups() { find /sys/fs/cgroup -maxdepth 2 -type d \( -name '*.slice' -o -name '*.scope' \) 2>/dev/null | sort; }

namespaces=(-m -p -C -f --mount-proc)
[ "${own_network-}" != yes ] || namespaces+=(-n)
if [ -z "${IN_NAMESPACE-}" ]; then
    [ -x /lib/systemd/systemd ] || skip "there is no systemd"
    unshare "${namespaces[@]}" true 2>/dev/null || skip "needs root"
    before=$(groups)
    status=0
    IN_NAMESPACE=yes timeout -k 5 50 unshare "${namespaces[@]}" --kill-child bash "$0" "$@" || status=$?
    # What systemd has made there stays otherwise.
    for group in $(comm -13 <(echo "$before") <(groups)); do
        rmdir "$group" 2>/dev/null || true
    done
    exit $status
fi
mount --make-rprivate /
for folder in /run /tmp /var/lib; do mount -t tmpfs tmpfs $folder; done
