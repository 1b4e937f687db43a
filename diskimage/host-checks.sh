# shellcheck shell=bash
# Part of diskimage-create.sh: what must be true of this host before a build starts. Each refusal says what to install or do.

# check_tools COMMAND:PACKAGE… names all missing packages at once.
check_tools() {
  local pair missing=()
  for pair; do command -v "${pair%%:*}" > /dev/null || missing+=("${pair#*:}"); done
  [ ${#missing[@]} = 0 ] || die 1 "missing on this host: ${missing[*]}. Install: $install ${missing[*]}"
}

check_host() {
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  if [ -n "${DIB_REPO_PATH:-}" ]; then
    PATH=$DIB_REPO_PATH/bin:$PATH
  elif [ -d "$repo/../diskimage-builder/bin" ]; then
    PATH=$(cd "$repo/../diskimage-builder/bin" && pwd):$PATH
  fi
  if [ -f /etc/debian_version ]; then
    install="apt-get install"
    local tools=(qemu-img:qemu-utils git:git kpartx:kpartx debootstrap:debootstrap sudo:sudo sfdisk:fdisk sgdisk:gdisk
      mkfs.ext4:e2fsprogs losetup:mount jq:jq python3:python3 bc:bc lsb_release:lsb-release)
    [ "$base" != debian ] || tools+=(mmdebstrap:mmdebstrap)
    check_tools "${tools[@]}"
  elif [ -f /etc/redhat-release ]; then
    install="dnf install"
    check_tools qemu-img:qemu-img git:git sudo:sudo sfdisk:util-linux sgdisk:gdisk jq:jq python3:python3
    [ "$base" != debian ] || check_tools mmdebstrap:mmdebstrap
  elif [ -f /etc/SuSE-release ] || grep -qs '^ID_LIKE=.*suse' /etc/os-release; then
    install="zypper install"
    check_tools qemu-img:qemu-tools git:git-core
  elif [ -f /etc/gentoo-release ]; then
    install="emerge"
    check_tools qemu-img:app-emulation/qemu git:dev-vcs/git kpartx:sys-fs/multipath-tools
  else
    die 2 "this host is neither of the Debian, Red Hat, SUSE nor Gentoo family; no images are built here"
  fi
  command -v disk-image-create > /dev/null \
    || die 1 "diskimage-builder is missing. Install: pip install diskimage-builder, or set DIB_REPO_PATH to a checkout"
  [ "$(id -u)" = 0 ] || sudo -n true 2> /dev/null \
    || die 1 "this needs root, for mounts and loop devices. Try: sudo $0"
  elements=${OCTAVIA_REPO_PATH:-$repo}/elements
  # A checkout of Octavia has an element amphora-agent, too, but none of this name.
  [ -d "$elements/amphora-init" ] || elements=$repo/elements
  local place
  for place in /usr/share /usr/local/share; do
    [ -d "$elements" ] || elements=$place/octavia-image-elements
  done
  [ -d "$elements/amphora-init" ] || die 1 "no folder with our elements: neither $repo/elements nor octavia-image-elements"
}

# The agent's binary: what -A names, else the release build, which is made if need be.
check_agent() {
  if [ -z "$agent" ]; then
    agent=$repo/.build/release-stripped/amphora-agent
    if [ ! -x "$agent" ]; then
      say "The agent is not built yet: make build (some minutes, once)"
      make -C "$repo" build || die 1 "the agent could not be built; name a binary with -A"
    fi
  fi
  [ -f "$agent" ] || die 3 "-A $agent: there is no such file"
  agent=$(realpath "$agent")
  [ "$(head -c 4 "$agent" | od -An -tx1 | tr -d ' ')" = 7f454c46 ] || die 3 "-A $agent: not a Linux program (ELF)"
}

# A build takes about 4 GB while it works, in memory where there is as much (diskimage-builder looks by itself), the image
# itself little.
check_room() {
  local folder free
  for folder in "$workdir" "$(dirname "$image")"; do
    free=$(df --output=avail -BM "$folder" | tail -1 | tr -dc 0-9)
    needed=1500
    if [ "$folder" = "$workdir" ] && { [ -n "$no_tmpfs" ] || [ "$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)" -lt 4096 ]; }; then
      needed=4000
    fi
    [ "$free" -ge "$needed" ] || die 1 "$folder has $free MB free, $needed are needed; choose another place with -w or -o"
  done
}
