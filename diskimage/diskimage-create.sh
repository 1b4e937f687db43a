#!/bin/bash
# Builds an amphora image with diskimage-builder. Option letters, defaults, exit codes and variables are those of Octavia's
# script of this name (contract image §2); -A, -F and -i debian are new. diskimage-create.sh -h says more.
set -eu -o pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(dirname "$here")
# Octavia's version.txt has this number; nothing in the field reads another.
version=0.1

usage() {
  cat <<'TEXT'
Usage: diskimage-create.sh [options]

Builds an amphora image from a distribution's packages and the agent's binary. Needs root (or sudo) and a mirror.

  -A FILE   the agent's binary (default: the release build of this repository; built when it is missing)
  -F NAME   flavour: default (cloud-init, tools for engineers) or slim (amphora-agent init, no Python); slim only with -i debian
  -i OS     debian, ubuntu, ubuntu-minimal, centos, centos-minimal, fedora, rhel, rocky (default: ubuntu-minimal)
  -d ID     the distribution's release (debian bookworm, ubuntu noble, centos 10-stream, rocky 10, rhel 10, fedora 42)
  -o FILE   the image (default: ./amphora-x64-haproxy.qcow2)
  -t TYPE   qcow2, raw, tar or vhd (default: qcow2)
  -s GB     virtual size of the disk, whole gigabytes (default: 2)
  -a ARCH   amd64, armhf, arm64, aarch64 or ppc64le (default: this machine's; the agent's binary must be of that kind)
  -r PASS   root's password: insecure, for experiments only
  -n        no ssh server in the image
  -c DIR    cache for packages (default: ~/.cache/image-create)
  -w DIR    where the build works, with 1.5 GB free, 4 GB with -f or little memory (default: the current directory)
  -l FILE   log (default: beside the image, IMAGE.log)
  -k NAME   kernel package (only ubuntu-minimal and debian)
  -m        CPU pinning: interrupts and processes of the system stay on CPU 0
  -e        SELinux enforces (Red Hat family)
  -y        FIPS mode (Red Hat family)
  -f        build on disk instead of in memory
  -x        trace diskimage-builder
  -b NAME   backend; only haproxy
  -g REF    accepted for old scripts: a git branch of the agent. This agent is a binary; choose it with -A
  -p        accepted for old scripts: the agent from distribution packages. There are none; the binary is baked in
  -h, -v    this text; the version

Environment: DIB_DISTRIBUTION_MIRROR, DIB_DEBIAN_SECURITY_MIRROR (default: this host's, if it is a Debian; security "none" leaves updates out), SOURCE_DATE_EPOCH,
DIB_LOCAL_ELEMENTS, DIB_LOCAL_ELEMENTS_PATH, DIB_ELEMENTS, CLOUD_INIT_DATASOURCES, DIB_OCTAVIA_AMP_USE_SSH,
DIB_OCTAVIA_AMP_USE_NFTABLES, DIB_GRUB_TIMEOUT, DIB_LOCAL_IMAGE, DIB_REPO_PATH, OCTAVIA_REPO_PATH, AMPHORA_QCOW2_OPTIONS (for
compute hosts with a qemu older than 5.1: compression_type=zlib). diskimage/README.md explains each.

Beside the image: IMAGE.manifest.json (packages), IMAGE.spdx.json (SBOM), IMAGE.sha256.

Example: sudo diskimage/diskimage-create.sh -i debian -F slim -o /var/tmp/amphora-x64-haproxy.qcow2
Exit codes: 0 built; 1 usage, or something is missing on this host; 2 unknown host; 3 a bad value; else diskimage-builder's.
TEXT
}

say() { printf '%s\n' "$*"; }
complain() { printf 'diskimage-create.sh: %s\n' "$*" >&2; }
die() { local status=$1; shift; complain "$@"; exit "$status"; }
# one_of VALUE LIST…
one_of() { local value=$1 word; shift; for word; do [ "$value" = "$word" ] && return 0; done; return 1; }

read_options() {
  # Octavia's script lets these be set from outside, too.
  arch=${AMP_ARCH:-} backend=${AMP_BACKEND:-haproxy-octavia} cache=${AMP_CACHEDIR:-} release=${AMP_DIB_RELEASE:-}
  base=${AMP_BASEOS:-ubuntu-minimal} output=${AMP_OUTPUTFILENAME:-$PWD/amphora-x64-haproxy.qcow2} size=${AMP_IMAGESIZE:-2}
  type=${AMP_IMAGETYPE:-qcow2} workdir=${AMP_WORKING_DIR:-$PWD} log=${AMP_LOGFILE:-} password=${AMP_ROOTPW:-}
  kernel=${AMP_KERNEL:-} pinning=${AMP_ENABLE_CPUPINNING:-0} no_ssh=${AMP_DISABLE_SSHD:-0} fips=${AMP_ENABLE_FIPS:-0}
  selinux=permissive no_tmpfs=${AMP_DISABLE_TMPFS:-} trace='' agent=${DIB_AMPHORA_AGENT_BINARY:-} flavour=default
  local option
  while getopts ":A:F:a:b:c:d:efg:hi:k:l:mno:pr:s:t:vw:xy" option; do
    case $option in
      A) agent=$OPTARG ;;
      F) flavour=$OPTARG; one_of "$flavour" default slim || die 3 "-F $flavour: flavours are default and slim" ;;
      a) arch=$OPTARG
         one_of "$arch" amd64 armhf arm64 aarch64 ppc64le || die 3 "-a $arch: allowed are amd64, armhf, arm64, aarch64, ppc64le" ;;
      b) [ "$OPTARG" = haproxy ] || die 3 "-b $OPTARG: the only backend is haproxy"; backend=haproxy-octavia ;;
      c) cache=$OPTARG ;;
      d) release=$OPTARG ;;
      e) selinux=enforcing ;;
      f) no_tmpfs=1 ;;
      g) complain "-g $OPTARG has no effect: the agent is a binary, not a git branch; choose it with -A" ;;
      h) usage; exit 1 ;;
      i) base=$OPTARG
         one_of "$base" debian ubuntu ubuntu-minimal fedora centos centos-minimal rocky rhel \
           || die 3 "-i $base: allowed are debian, ubuntu, ubuntu-minimal, fedora, centos, centos-minimal, rocky, rhel" ;;
      k) kernel=$OPTARG ;;
      l) log=$OPTARG ;;
      m) pinning=1 ;;
      n) no_ssh=1 ;;
      o) output=$OPTARG ;;
      p) complain "-p has no effect: no distribution packages this agent; its binary is baked in" ;;
      r) password=$OPTARG ;;
      s) size=$OPTARG
         [[ $size =~ ^[1-9][0-9]*$ ]] || die 3 "-s $size: the size is whole gigabytes, such as 2" ;;
      t) type=$OPTARG; one_of "$type" qcow2 tar vhd raw || die 3 "-t $type: allowed are qcow2, tar, vhd, raw" ;;
      v) say "$version"; exit 1 ;;
      w) workdir=$OPTARG ;;
      x) trace=-x ;;
      y) fips=1 ;;
      :) complain "-$OPTARG needs a value; -h explains"; exit 1 ;;
      *) complain "unknown option -$OPTARG; -h lists them"; exit 1 ;;
    esac
  done
  shift $((OPTIND - 1))
  [ $# = 0 ] || die 1 "unexpected argument: $1; -h lists the options"
}

# Fills in what depends on several options, and refuses what cannot work, before anything is done.
settle_options() {
  case $base in
    ubuntu) base=ubuntu-minimal ;;
    centos) base=centos-minimal ;;
    rocky) base=rocky-container ;;
  esac
  case $base in
    debian) os_element=amphora-debian release=${release:-bookworm} ;;
    ubuntu-minimal) os_element=ubuntu-minimal release=${release:-noble} ;;
    centos-minimal) os_element=centos-minimal release=${release:-10-stream} ;;
    rocky-container) os_element=rocky-container release=${release:-10} ;;
    rhel) os_element=rhel release=${release:-10} ;;
    fedora) os_element=fedora release=${release:-42} ;;
  esac
  # Octavia's variable for -n.
  case ${DIB_OCTAVIA_AMP_USE_SSH:-True} in [Ff]alse | 0) no_ssh=1 ;; esac
  [ "$flavour" = default ] || [ "$pinning" = 0 ] || die 1 "-m does not work with -F slim: TuneD, which pins, is written in Python"
  if [ "$base" = debian ]; then
    one_of "${arch:-$(uname -m)}" amd64 x86_64 || die 1 "-i debian makes images for amd64 only: other machines boot by EFI, which its layout has not"
  fi
  [ "$flavour" = default ] || [ "$base" = debian ] || die 3 "-F $flavour works with -i debian only"
  one_of "$base" fedora rhel && [ "$size" -lt 3 ] && die 1 "-i $base needs -s 3 or more: it does not fit on $size GB"
  [ "$base" != rhel ] || [ -n "${DIB_LOCAL_IMAGE:-}" ] || die 1 "-i rhel needs DIB_LOCAL_IMAGE: a RHEL cloud image on this host"
  red_hat=0; one_of "$base" centos-minimal rocky-container rhel fedora && red_hat=1
  [ "$selinux" = permissive ] || [ -z "$password" ] || die 1 "-r does not work with -e: SELinux keeps root from logging in"
  [ "$selinux" = permissive ] || [ "$red_hat" = 1 ] || die 1 "-e works on the Red Hat family only; $base has no SELinux here"
  [ "$fips" = 0 ] || [ "$red_hat" = 1 ] || die 1 "-y works on the Red Hat family only; $base has no FIPS mode here"

  [ -d "$(dirname "$output")" ] || die 3 "-o $output: there is no folder $(dirname "$output")"
  output=$(cd "$(dirname "$output")" && pwd)/$(basename "$output")
  image=${output%."$type"}
  # The default's name is a qcow2's.
  image=${image%.qcow2}.$type
  [ -d "$workdir" ] || die 1 "-w $workdir: there is no such folder"
  workdir=$(cd "$workdir" && pwd)
  cache=${cache:-$HOME/.cache/image-create}
  mkdir -p "$cache" && cache=$(cd "$cache" && pwd)
  log=$(realpath -m "${log:-$image.log}")
  [ -d "$(dirname "$log")" ] || die 1 "-l $log: there is no folder $(dirname "$log")"
}

# shellcheck source=diskimage/host-checks.sh
. "$here/host-checks.sh"
# shellcheck source=diskimage/build.sh
. "$here/build.sh"

read_options "$@"
settle_options
check_host
check_agent
check_room
element_sequence
build_image
write_companions
print_upload
