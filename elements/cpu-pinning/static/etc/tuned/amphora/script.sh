#!/bin/sh
# Run by TuneD for what its plugins cannot do.
# shellcheck source=/dev/null
. /usr/lib/tuned/functions

start() {
    setup_kvm_mod_low_latency
    disable_ksm
    return 0
}

stop() {
    if [ "$1" = full_rollback ]; then
        teardown_kvm_mod_low_latency
        enable_ksm
    fi
    return 0
}

process "$@"
