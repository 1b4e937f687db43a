"""An amphora image booted by qemu as a cloud boots it: config drive, network, controller. Standard library only."""
