#ifndef AMPHORA_CSOCKET_H
#define AMPHORA_CSOCKET_H

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

// recvmmsg and sendmmsg move many datagrams with one system call. glibc declares them and struct mmsghdr only with
// _GNU_SOURCE, which Swift's Glibc module is built without; the struct is the kernel's (recvmmsg(2)).
struct amphora_mmsghdr {
  struct msghdr msg_hdr;
  unsigned int msg_len;
};

static inline int amphora_recvmmsg(int descriptor, struct amphora_mmsghdr *messages, unsigned int count, int flags) {
  return (int)syscall(SYS_recvmmsg, descriptor, messages, count, flags, (void *)0);
}

static inline int amphora_sendmmsg(int descriptor, struct amphora_mmsghdr *messages, unsigned int count, int flags) {
  return (int)syscall(SYS_sendmmsg, descriptor, messages, count, flags);
}

// Control messages (cmsg(3)) are read with macros, which Swift does not see.
static inline struct cmsghdr *amphora_first_control(struct msghdr *message) { return CMSG_FIRSTHDR(message); }
static inline struct cmsghdr *amphora_next_control(struct msghdr *message, struct cmsghdr *control) {
  return CMSG_NXTHDR(message, control);
}
static inline const unsigned char *amphora_control_data(struct cmsghdr *control) { return CMSG_DATA(control); }

// adjtimex(2), which Swift's Glibc module lacks, only reads without modes: 1 when nothing keeps the clock in step, 0 when
// something does, -1 on failure.
static inline int amphora_clock_is_unsynchronised(void) {
  struct timex state = {.modes = 0};
  return adjtimex(&state) < 0 ? -1 : (state.status & STA_UNSYNC) != 0;
}

#endif
