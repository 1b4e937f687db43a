#!/bin/sh
# Masquerades UDP and SCTP that leave an interface, and keeps TCP out of connection tracking there.
#   lvs-masquerade.sh add|delete ipv4|ipv6 INTERFACE [sriov]
# The agent does the same by itself when an interface file names this script; it is here for people, and for an agent that
# runs it. With "sriov", TCP stays tracked: the firewall of such a port relies on it. Run it in the traffic namespace.
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

usage() {
    echo "usage: $0 add|delete ipv4|ipv6 INTERFACE [sriov]" >&2
    exit 1
}

[ $# = 3 ] || [ $# = 4 ] || usage
action=$1
interface=$3
case ${4-} in
    '') sriov=no ;;
    sriov) sriov=yes ;;
    *) usage ;;
esac
case $action in add | delete) ;; *) usage ;; esac
case $interface in '' | *[!0-9A-Za-z._-]*) usage ;; esac
case $2 in
    ipv4) family=ip iptables=iptables ;;
    ipv6) family=ip6 iptables=ip6tables ;;
    *) usage ;;
esac
table=octavia-$2

# What a chain holds, with handles; fails when there is no such chain.
listing() { nft --handle list chain "$family" "$table" "$1" 2> /dev/null; }

# add_rule CHAIN HOOK RULE…: lines of a transaction that ends with the rule there once.
add_rule() {
    chain=$1 hook=$2
    shift 2
    echo "add chain $family $table $chain { type $hook; policy accept; }"
    if ! listing "$chain" | grep -qF "\"$interface\""; then
        echo "add rule $family $table $chain $*"
    fi
}

# delete_rule CHAIN: lines that take this interface's rules away, and the chain with the last one.
delete_rule() {
    rules=$(listing "$1" | grep -F 'name "') || true
    others=$(printf '%s\n' "$rules" | grep -vF "\"$interface\"") || true
    if [ -z "$others" ]; then
        echo "flush chain $family $table $1"
        echo "delete chain $family $table $1"
    else
        printf '%s\n' "$rules" | grep -F "\"$interface\"" \
            | sed "s/.*# handle \([0-9]*\)\$/delete rule $family $table $1 handle \1/" || true
    fi
}

nft_add() {
    echo "add table $family $table"
    for transport in udp sctp; do
        add_rule "$family-$transport-masq" "nat hook postrouting priority 100" \
            "oifname \"$interface\" meta l4proto $transport masquerade"
    done
    [ "$sriov" = no ] || return 0
    add_rule prerouting "filter hook prerouting priority -300" "iifname \"$interface\" meta l4proto tcp notrack"
    add_rule output "filter hook output priority -300" "oifname \"$interface\" meta l4proto tcp notrack"
}

nft_delete() {
    # Without these chains, nft refuses the transaction and so fails the script.
    for transport in udp sctp; do
        delete_rule "$family-$transport-masq"
    done
    [ "$sriov" = no ] || return 0
    for chain in prerouting output; do
        if listing "$chain" > /dev/null; then
            delete_rule "$chain"
        fi
    done
}

# one TABLE CHAIN RULE…: the rule once, or not at all.
one() {
    in=$1 chain=$2
    shift 2
    if [ "$action" = add ]; then
        "$iptables" -t "$in" -C "$chain" "$@" 2> /dev/null || "$iptables" -t "$in" -A "$chain" "$@"
    else
        "$iptables" -t "$in" -D "$chain" "$@"
    fi
}

iptables_rules() {
    one nat POSTROUTING -p udp -o "$interface" -j MASQUERADE
    one nat POSTROUTING -p sctp -o "$interface" -j MASQUERADE
    [ "$sriov" = no ] || return 0
    # On delete, these may be missing.
    one raw PREROUTING -p tcp -i "$interface" -j NOTRACK || [ "$action" = delete ]
    one raw OUTPUT -p tcp -o "$interface" -j NOTRACK || [ "$action" = delete ]
}

if command -v nft > /dev/null; then
    transaction=$("nft_$action")
    printf '%s\n' "$transaction" | nft -f -
else
    iptables_rules
fi
