#!/bin/sh
# haproxy's external check for PING monitors: one echo within one second (contract services §6.1). haproxy empties PATH.
case $HAPROXY_SERVER_ADDR in
    *:*) exec /usr/bin/ping -6 -q -n -w 1 -c 1 "$HAPROXY_SERVER_ADDR" > /dev/null 2>&1 ;;
    *) exec /usr/bin/ping -4 -q -n -w 1 -c 1 "$HAPROXY_SERVER_ADDR" > /dev/null 2>&1 ;;
esac
