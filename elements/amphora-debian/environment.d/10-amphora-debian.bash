# What diskimage-builder's other elements ask an operating-system element for.
export DISTRO_NAME=debian
export DIB_RELEASE=${DIB_RELEASE:-bookworm}
export DIB_INIT_SYSTEM=systemd
export EFI_BOOT_DIR="EFI/debian"
# diskimage-builder still takes Debian's Python for version 2.
export DIB_PYTHON_VERSION=3
# Empty: the mirror that mmdebstrap knows. The security suite lives on another one.
export DIB_DISTRIBUTION_MIRROR=${DIB_DISTRIBUTION_MIRROR:-}
export DIB_DEBIAN_SECURITY_MIRROR=${DIB_DEBIAN_SECURITY_MIRROR:-}
export DIB_DEBIAN_COMPONENTS=${DIB_DEBIAN_COMPONENTS:-main}
export AMPHORA_FLAVOUR=${AMPHORA_FLAVOUR:-default}
export DIB_AMPHORA_KERNEL=${DIB_AMPHORA_KERNEL:-}
