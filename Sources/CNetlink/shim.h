// What Swift cannot take from the headers by itself. Each declaration below says why it is here.
#ifndef AMPHORA_CNETLINK_H
#define AMPHORA_CNETLINK_H

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
// Glibc's module has no struct sockaddr_ll.
#include <linux/if_packet.h>
#include <linux/ip_vs.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/object.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <netlink/socket.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

// <sched.h> and <pthread.h> declare these, and CLONE_NEWNET, for _GNU_SOURCE only, which Swift's Glibc module is built
// without.
extern int setns(int fd, int nstype);
extern int unshare(int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
// linux/sched.h: CLONE_NEWNET
#define AMPHORA_CLONE_NEWNET 0x40000000

// Makes the calling thread, and only it, work in the network namespace behind the descriptor.
static inline int amphora_enter_network_namespace(int fd) {
  return setns(fd, AMPHORA_CLONE_NEWNET) == 0 ? 0 : errno;
}

// Gives the calling thread, and only it, a new network namespace.
static inline int amphora_unshare_network_namespace(void) {
  return unshare(AMPHORA_CLONE_NEWNET) == 0 ? 0 : errno;
}

// A descriptor of the network namespace a socket belongs to, or -1. ioctl is variadic, which Swift cannot call;
// SIOCGSKNS is from linux/sockios.h.
static inline int amphora_namespace_of_socket(int fd) {
  return ioctl(fd, 0x894C);
}

// Whether a path is a namespace handle: a file of the nsfs file system (0x6e736673, linux/magic.h). Glibc's module has
// no statfs.
static inline int amphora_is_namespace(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 && status.f_type == 0x6e736673;
}

// The kernel's own sentence about a refused request, or NULL. It follows the nlmsgerr in the message when
// NETLINK_EXT_ACK is on (and the request is not echoed: NETLINK_CAP_ACK). Here because stepping back from the error to
// its message header, which libnl's callback does not pass, is pointer arithmetic on C structs.
static inline const char *amphora_extended_ack(struct nlmsgerr *error) {
  struct nlmsghdr *header = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
  if (!(header->nlmsg_flags & NLM_F_ACK_TLVS)) return 0;
  int skip = sizeof(*error);
  if (!(header->nlmsg_flags & NLM_F_CAPPED)) skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
  struct nlattr *text = nlmsg_find_attr(header, skip, NLMSGERR_ATTR_MSG);
  if (!text || nla_len(text) < 1) return 0;
  const char *bytes = (const char *)nla_data(text);
  return bytes[nla_len(text) - 1] == 0 ? bytes : 0;
}

#endif
