"""An amphora image booted by qemu as a cloud boots it: config drive, management network, controller. Standard library only."""
