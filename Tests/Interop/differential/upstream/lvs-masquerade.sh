#!/bin/bash
# The masquerading script of upstream's image as the contract describes it (image §3.7), for nft.
set -u
usage() { echo "usage: $0 add|delete ipv4|ipv6 INTERFACE [sriov]" >&2; exit 1; }
[ $# -ge 3 ] || usage
case $2 in ipv4) family=ip ;; ipv6) family=ip6 ;; *) usage ;; esac
interface=$3 sriov=${4:-} table="octavia-$2"
nat() { printf '%s-%s-masq' "$family" "$1"; }

add() {
  nft add table $family "$table"
  for protocol in udp sctp; do
    nft add chain $family "$table" "$(nat $protocol)" '{ type nat hook postrouting priority 100; }'
    nft add rule $family "$table" "$(nat $protocol)" oifname "$interface" meta l4proto $protocol masquerade
  done
  [ "$sriov" = sriov ] && return
  nft add chain $family "$table" prerouting '{ type filter hook prerouting priority -300; }'
  nft add rule $family "$table" prerouting iifname "$interface" meta l4proto tcp notrack
  nft add chain $family "$table" output '{ type filter hook output priority -300; }'
  nft add rule $family "$table" output oifname "$interface" meta l4proto tcp notrack
}

delete() {
  for chain in prerouting output; do
    nft flush chain $family "$table" $chain 2> /dev/null && nft delete chain $family "$table" $chain
  done
  for protocol in udp sctp; do
    nft flush chain $family "$table" "$(nat $protocol)" && nft delete chain $family "$table" "$(nat $protocol)" || exit 1
  done
}

case $1 in add | delete) $1 ;; *) usage ;; esac
