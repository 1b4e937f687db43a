# Everything a developer or CI does with this repository. `make help` lists it.

SHELL := /bin/bash
SWIFT_MINIMUM := 6.2
PACKAGES := libssl-dev libnl-3-dev libnl-route-3-dev zlib1g-dev pkg-config binutils \
            haproxy keepalived iproute2 nftables util-linux openssl procps \
            socat debootstrap systemd-container python3-venv shellcheck dnsmasq-base isc-dhcp-client netcat-openbsd
# What builds and boots an image, beyond PACKAGES.
IMAGE_PACKAGES := mmdebstrap kpartx gdisk fdisk jq sudo qemu-utils qemu-system-x86 genisoimage zstd lsb-release bc git file openssh-client cpio
# diskimage-builder comes from PyPI, into a folder of its own.
DIB_VERSION := 3.43.0
DIB := $(CURDIR)/.cache/diskimage-builder-$(DIB_VERSION)
# The image's flavour (default or slim) and where it goes.
FLAVOUR := default
IMAGE := $(CURDIR)/.build/image/amphora-x64-haproxy$(if $(filter slim,$(FLAVOUR)),-slim).qcow2
RELEASE := --configuration release --static-swift-stdlib
# The release binary as it goes into the image.
AGENT := $(CURDIR)/.build/release-stripped/amphora-agent
# Its man pages.
MANUAL := $(CURDIR)/.build/manual

.PHONY: help setup build manual demo test interop differential system-root image boot-image image-test image-same image-lint bench lint clean check-swift check-root

help: ## Print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: check-swift ## Install what the build and the tests need with apt (needs root)
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" != 0 ]; then echo "make setup needs root to install: $$missing" >&2; exit 1; fi; \
	  echo "Installing: $$missing" | tr '\n' ' '; echo; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing > /tmp/amphora-setup.log 2>&1 \
	    || { tail -20 /tmp/amphora-setup.log >&2; exit 1; }; \
	  rm -f /tmp/amphora-setup.log; \
	fi

check-swift:
	@version=$$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -1); \
	if [ -z "$$version" ]; then \
	  echo "The Swift toolchain is missing, and no package brings it: install Swift $(SWIFT_MINIMUM) or later from swift.org and put it on PATH." >&2; exit 1; \
	elif [ "$$(printf '%s\n' $(SWIFT_MINIMUM) $$version | sort -V | head -1)" != $(SWIFT_MINIMUM) ]; then \
	  echo "Swift $$version is too old: Amphora needs $(SWIFT_MINIMUM) or later." >&2; exit 1; \
	fi

build: setup ## Build the release agent, stripped, static for the Swift runtime
	swift build $(RELEASE) --product amphora-agent
	@mkdir -p $(dir $(AGENT))
	@strip -o $(AGENT) "$$(swift build $(RELEASE) --show-bin-path)/amphora-agent"
	@! grep -q AMPHORA_TEST_ $(AGENT) || { echo "The release agent has a hook for tests." >&2; exit 1; }
	@ls -l $(AGENT) | awk '{printf "%s: %.1f MB\n", $$NF, $$5 / 1000000}'

# The generator comes with swift-argument-parser, which every build fetches.
MANUAL_TOOL := .build/manual-tool
manual: build ## Man pages of the agent's commands, in .build/manual
	@swift build --quiet --package-path .build/checkouts/swift-argument-parser --scratch-path $(MANUAL_TOOL) --product generate-manual
	@rm -rf $(MANUAL) && mkdir -p $(MANUAL)
	@$(MANUAL_TOOL)/debug/generate-manual $(AGENT) --multi-page --section 8 --date "$$(git log -1 --format=%cs)" --output-directory $(MANUAL)
	@rm -f $(MANUAL)/*.help.8
	@ls $(MANUAL) | wc -l | sed 's,$$, pages in $(MANUAL); read one with: man $(MANUAL)/amphora-agent.8,'

check-root:
	@if [ "$$(id -u)" != 0 ]; then \
	  echo "This needs root: it makes network namespaces and mounts. Try: sudo make $(MAKECMDGOALS)" >&2; exit 1; fi

demo: check-root build ## The main job: a load balancer through the agent, on this machine (needs root)
	swift build $(RELEASE) --product amphora-demo
	@"$$(swift build $(RELEASE) --show-bin-path)/amphora-demo" --agent $(AGENT)

test: build ## All tests: Swift's, then the system tests (as root; without, what needs it is skipped and says so)
	swift build --build-tests
	@Tests/run
	@if [ "$$(id -u)" = 0 ]; then Tests/Interop/run; else echo "Not root: the system tests are skipped (they boot containers). Try: sudo make test" >&2; fi

interop: check-root build ## Only the system tests: Octavia's own code drives the agent under systemd (needs root)
	@Tests/Interop/run

differential: check-root build ## The same requests to upstream's agent and to ours; what differs must be in a list with its reason (needs root)
	@Tests/Interop/differential/run $(DIFFERENTIAL)

system-root: check-root build ## A Debian root with the agent as in an image, for systemd-nspawn: DEST=DIR (needs root)
	@Tests/Interop/system-root "$(DEST)" "$(AGENT)"

# Removed when it does not come to its end, so that an interrupted installation is not taken for a whole one.
$(DIB)/bin/disk-image-create:
	@echo "Installing diskimage-builder $(DIB_VERSION)"
	@rm -rf $(DIB) && mkdir -p $(dir $(DIB)) && python3 -m venv $(DIB)
	@$(DIB)/bin/pip install --quiet diskimage-builder==$(DIB_VERSION) || { rm -rf $(DIB); exit 1; }

image boot-image image-test image-same image-lint: PACKAGES += $(IMAGE_PACKAGES)
image: check-root build manual $(DIB)/bin/disk-image-create ## A bootable image with the agent, in .build/image: FLAVOUR=default or slim (needs root)
	@mkdir -p $(dir $(IMAGE)) .cache/image
	@PATH=$(DIB)/bin:$$PATH DIB_AMPHORA_AGENT_MANUAL=$(MANUAL) diskimage/diskimage-create.sh -i debian -F $(FLAVOUR) -A $(AGENT) -o $(IMAGE) -w .build/image -c .cache/image

boot-image: check-root setup $(IMAGE) ## Boot the image under qemu with a config drive of our own CA, and print when what happened (needs root)
	swift build --product amphoractl
	@diskimage/boot-image $(IMAGE)

# Not made anew when it is there: make image does that.
$(IMAGE):
	@$(MAKE) image FLAVOUR=$(FLAVOUR)

image-test: check-root setup $(IMAGE) ## Boot the image and drive a load balancer through it: traffic, hot-plug, reboots, power cuts (needs root)
	swift build --product amphoractl
	@[ ! -f $(AGENT) ] || [ "$$(jq -r .agent.sha256 $(IMAGE).manifest.json)" = "$$(sha256sum < $(AGENT) | cut -d' ' -f1)" ] || \
	  echo "WARNING: $(IMAGE) has another agent than $(AGENT); 'make image FLAVOUR=$(FLAVOUR)' makes it anew." >&2
	@Tests/Image/run $(IMAGE) $(IMAGE_TEST)

image-same: check-root $(IMAGE) ## Build the image a second time and compare the two file trees (needs root)
	@SOURCE_DATE_EPOCH=$$(jq .sourceDateEpoch $(IMAGE).manifest.json) \
	  $(MAKE) --no-print-directory image FLAVOUR=$(FLAVOUR) IMAGE=$(CURDIR)/.build/image/again.qcow2
	@Tests/Image/compare-trees $(IMAGE) .build/image/again.qcow2; status=$$?; rm -f .build/image/again.qcow2*; exit $$status

image-lint: setup $(DIB)/bin/disk-image-create ## The image's elements: shellcheck, dib-lint, and a dry composition for every base system
	@PATH=$(DIB)/bin:$$PATH diskimage/lint-elements
	@if [ "$$(id -u)" = 0 ]; then PATH=$(DIB)/bin:$$PATH Tests/Image/test-options; else echo "Not root: Tests/Image/test-options is skipped"; fi
	@PATH=$(DIB)/bin:$$PATH Tests/Image/lint-finds-faults

bench: check-root build ## Figures of the release agent: size, start, memory, times of requests (needs root)
	swift build $(RELEASE) --product amphora-bench
	@"$$(swift build $(RELEASE) --show-bin-path)/amphora-bench" --agent $(AGENT)

lint: check-swift ## Formatting and style of the sources, and of the shell scripts where shellcheck is installed
	@git ls-files -z '*.swift' | xargs -0 swift format lint --strict --parallel
	@if command -v shellcheck >/dev/null; then shellcheck -x .ci/run diskimage/diskimage-create.sh diskimage/isolated diskimage/lint-elements diskimage/standins/* Tests/Image/run Tests/Image/test-options Tests/Image/lint-finds-faults Tests/run Tests/Interop/run Tests/Interop/system-root Tests/Interop/enter-sandbox Tests/Interop/differential/run Tests/Interop/differential/upstream-root Tests/Interop/differential/upstream/lvs-masquerade.sh; fi
	@echo "lint: clean"

clean: ## Remove everything that was built
	rm -rf .build
