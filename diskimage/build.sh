# shellcheck shell=bash
# Part of diskimage-create.sh: composes the elements, runs diskimage-builder out of the host's sight, writes the companions.

# The elements of contract image §2.4. octavia-lib and pip-cache are gone: nothing is installed with pip.
element_sequence() {
  local tail_elements=(keepalived-octavia ipvsadmin certs-ramfs)
  if [ -n "${DIB_ELEMENTS:-}" ]; then
    # shellcheck disable=SC2206 # a list of names
    sequence=($DIB_ELEMENTS)
  else
    sequence=(vm)
    # On Debian our own operating-system element brings all that DIB's base would, and GPT lets the root grow.
    if [ "$base" = debian ]; then sequence+=(block-device-gpt); else sequence=(base vm); fi
    sequence+=("$os_element" "$backend")
    [ -z "$password" ] || sequence+=(root-passwd)
    sequence+=(rebind-sshd no-resolvconf amphora-agent sos remove-default-ints)
    if [ "$flavour" = slim ]; then
      sequence+=(amphora-slim)
    else
      sequence+=(amphora-cloud-init cloud-init-datasources)
    fi
    if [ "$red_hat" = 1 ]; then
      if [ "$selinux" = enforcing ]; then sequence+=(amphora-selinux); else sequence+=(selinux-permissive); fi
      sequence+=(disable-makecache)
    fi
    [ "$base" != ubuntu-minimal ] || sequence+=(amphora-apparmor)
    sequence+=("${tail_elements[@]}")
    [ "$pinning" = 0 ] || sequence+=(cpu-pinning)
    [ "$no_ssh" = 0 ] || sequence+=(remove-sshd)
    [ "$fips" = 0 ] || sequence+=(amphora-fips)
  fi
  # shellcheck disable=SC2206 # a list of names
  sequence+=(${DIB_LOCAL_ELEMENTS:-})
}

# A mirror of this Debian host, when the caller names none: LABEL as in the mirror's Release file.
host_mirror() {
  command -v apt-get > /dev/null || return 0
  apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2> /dev/null \
    | awk -F'|' -v label="$1" '$1 == label {print $2; exit}'
}

export_settings() {
  export DIB_RELEASE=$release DIB_AMPHORA_AGENT_BINARY=$agent AMPHORA_FLAVOUR=$flavour
  export DIB_CLOUD_INIT_DATASOURCES=${CLOUD_INIT_DATASOURCES:-ConfigDrive}
  export DIB_OCTAVIA_AMP_USE_NFTABLES=${DIB_OCTAVIA_AMP_USE_NFTABLES:-True}
  export DIB_OCTAVIA_AMP_USE_SSH=${DIB_OCTAVIA_AMP_USE_SSH:-True}
  [ "$no_ssh" = 0 ] || export DIB_OCTAVIA_AMP_USE_SSH=False
  export DIB_GRUB_TIMEOUT=${DIB_GRUB_TIMEOUT:-0} DIB_APT_MINIMAL_CREATE_INTERFACES=0
  [ -z "$password" ] || export AMPHORA_ROOT_PASSWORD=$password
  case $base in
    ubuntu-minimal) export DIB_UBUNTU_KERNEL=${kernel:-linux-image-virtual} ;;
    debian)
      export DIB_PYTHON_VERSION=3 DIB_AMPHORA_KERNEL=$kernel
      export DIB_BOOTLOADER_DEFAULT_CMDLINE=${DIB_BOOTLOADER_DEFAULT_CMDLINE:-quiet loglevel=3 nomodeset}
      export DIB_BOOTLOADER_VIRTUAL_TERMINAL=${DIB_BOOTLOADER_VIRTUAL_TERMINAL:-}
      if [ -z "${DIB_DISTRIBUTION_MIRROR:-}" ]; then
        DIB_DISTRIBUTION_MIRROR=$(host_mirror Debian)
        DIB_DEBIAN_SECURITY_MIRROR=${DIB_DEBIAN_SECURITY_MIRROR:-$(host_mirror Debian-Security)}
      fi
      # An image without security updates is nobody's default. Without a mirror, mmdebstrap takes Debian's own.
      if [ -n "$DIB_DISTRIBUTION_MIRROR" ] && [ -z "${DIB_DEBIAN_SECURITY_MIRROR:-}" ]; then
        one_of "$release" testing unstable sid || die 1 "DIB_DEBIAN_SECURITY_MIRROR is not set, and this host has no mirror of Debian's security \
updates to take instead; name one, or 'none' to leave them out"
      fi
      [ "${DIB_DEBIAN_SECURITY_MIRROR:-}" != none ] || DIB_DEBIAN_SECURITY_MIRROR=
      export DIB_DISTRIBUTION_MIRROR DIB_DEBIAN_SECURITY_MIRROR=${DIB_DEBIAN_SECURITY_MIRROR:-} ;;
  esac
  # The time of the last commit: the same sources make the same image.
  if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git -C "$repo" log -1 --format=%ct 2> /dev/null) || SOURCE_DATE_EPOCH=$(stat -c %Y "$agent")
  fi
  export SOURCE_DATE_EPOCH
  export ELEMENTS_PATH=$elements${DIB_LOCAL_ELEMENTS_PATH:+:$DIB_LOCAL_ELEMENTS_PATH}
  export OVERWRITE_OLD_IMAGE=1 DIB_QUIET=1 DIB_NO_TIMESTAMP=1
}

# disk_layout UUID: a boot partition for GRUB and the root. Its file system's identity, which GRUB's image names, follows from what goes in, not from
# chance.
disk_layout() {
  cat <<YAML
- local_loop:
    name: image0
- partitioning:
    base: image0
    label: gpt
    partitions:
      - name: BSP
        type: 'EF02'
        size: 8MiB
      - name: root
        flags: [boot]
        size: 100%
        mkfs:
          type: ext4
          uuid: $1
          mount:
            mount_point: /
            fstab:
              options: "defaults"
              fsck-passno: 1
YAML
}

build_image() {
  export_settings
  say "Image:    $image ($base $release, flavour $flavour, $size GB)"
  say "Agent:    $agent"
  say "Elements: ${sequence[*]}"
  say "Log:      $log"
  scratch=$(mktemp -d "$workdir/diskimage-create.XXXXXX")
  trap clean_up EXIT
  trap 'complain "interrupted"; exit 130' INT TERM
  # Moved to its place when it is whole.
  partial=$scratch/out/$(basename "${image%."$type"}")
  mkdir -p "$scratch/out" "$scratch/tmp"
  local arguments=(${trace:+"$trace"} ${arch:+-a "$arch"} --logfile "$log" -o "$partial.$type" -t "$type" --image-size "$size"
    --image-cache "$cache" ${no_tmpfs:+--no-tmpfs})
  # Larger clusters pack better; zstd unpacks quicker.
  [ "$type" != qcow2 ] || arguments+=(--qemu-img-options "${AMPHORA_QCOW2_OPTIONS:-compression_type=zstd,cluster_size=512k}")
  local identity
  identity=$(printf '%s' "$SOURCE_DATE_EPOCH $base $release $flavour $(sha256sum < "$agent")" | sha256sum)
  identity=${identity:0:8}-${identity:8:4}-4${identity:13:3}-8${identity:17:3}-${identity:20:12}
  arguments+=(--mkfs-options "-E hash_seed=$identity")
  [ "$base" != debian ] || export DIB_BLOCK_DEVICE_CONFIG=${DIB_BLOCK_DEVICE_CONFIG:-$(disk_layout "$identity")}
  # DIB's base element would only add what the Debian element leaves out on purpose.
  [ "$base" != debian ] || arguments+=(-n)
  : > "$log"
  SECONDS=0
  "$here/progress" "$log" &
  progress=$!
  local status=0
  TMP_DIR=$scratch/tmp DIB_PYTHON_EXEC=${DIB_PYTHON_EXEC:-} "$here/isolated" disk-image-create "${arguments[@]}" "${sequence[*]}" \
    > "$scratch/output" 2>&1 &
  builder=$!
  wait "$builder" || status=$?
  stop_progress
  if [ "$status" != 0 ]; then
    cat "$scratch/output" >> "$log"
    complain "diskimage-builder failed with status $status after $SECONDS s; the end of $log:"
    grep -v '^$' "$log" | tail -15 >&2
    exit "$status"
  fi
}

stop_progress() {
  [ -z "${progress:-}" ] || { kill "$progress" 2> /dev/null || true; wait "$progress" 2> /dev/null || true; }
  progress=
}

# Also at Ctrl-C: the builder's processes end with their namespace, and its mounts with them; loop devices are freed here.
clean_up() {
  trap '' INT TERM
  stop_progress
  local loop loops as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo -n)
  # Before the builder ends: when its mounts are gone, nothing tells that a loop device is of a file there.
  loops=$(losetup --noheadings --output NAME,BACK-FILE 2> /dev/null | awk -v place="$scratch" 'index($2, place) == 1 {print $1}')
  if [ -n "${builder:-}" ] && kill -0 "$builder" 2> /dev/null; then
    # unshare ignores every other signal while its child lives; the child goes with it.
    if [ "$(id -u)" = 0 ]; then kill -KILL "$builder"; else sudo -n pkill -KILL --parent "$builder"; fi 2> /dev/null || true
    wait "$builder" 2> /dev/null || true
  fi
  for loop in $loops; do "${as_root[@]}" losetup --detach "$loop" 2> /dev/null || true; done
  rm -f "$image.new"
  "${as_root[@]}" rm -rf --one-file-system "$scratch" || true
}

write_companions() {
  say "Writing manifest, SBOM and checksum"
  "$here/write-sbom" --manifests "$partial.d" --agent "$agent" --name "$(basename "$image")" --epoch "$SOURCE_DATE_EPOCH" \
    --base "$base $release" --flavour "$flavour" \
    --manifest "$scratch/out/manifest.json" --spdx "$scratch/out/spdx.json"
  (cd "$scratch/out" && sha256sum "$(basename "$partial.$type")" > sha256)
  mv "$scratch/out/manifest.json" "$image.manifest.json"
  mv "$scratch/out/spdx.json" "$image.spdx.json"
  mv "$scratch/out/sha256" "$image.sha256"
  # By way of its own folder: from another file system a move is a copy, and Ctrl-C would leave half of it.
  mv "$partial.$type" "$image.new"
  sync "$image.new"
  mv "$image.new" "$image"
}

print_upload() {
  local format=$type machine
  [ "$type" != tar ] || { say "Done in $SECONDS s: $image"; return; }
  case ${arch:-$(uname -m)} in amd64 | x86_64) machine=x86_64 ;; arm64 | aarch64) machine=aarch64 ;; *) machine=${arch:-$(uname -m)} ;; esac
  say "Done in $SECONDS s: $image, $(stat -c %s "$image" | awk '{printf "%.1f MB", $1 / 1e6}')"
  [ -z "$password" ] || say "Root has a password: do not use this image for anybody's traffic."
  say "Upload it with:"
  say "  openstack image create --disk-format $format --container-format bare --private --tag amphora \\"
  say "    --property hw_architecture=$machine --property hw_rng_model=virtio --file $image amphora-x64-haproxy"
}
