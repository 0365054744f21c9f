# The front door. meson and ninja do the work; each target can be run alone.
BUILD      ?= build
ASAN       ?= build-asan
CLANG      ?= build-clang
FUZZ       ?= build-fuzz
FUZZ_SECONDS ?= 60
MESON      ?= meson
NINJA      ?= ninja
PREFIX     ?= /usr/local

.PHONY: build check check-vm bench fuzz lint install clean

build: $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD)

$(BUILD)/build.ninja:
	@$(MESON) setup --prefix=$(PREFIX) $(BUILD)

# Gates, gcc and clang builds, unit tests, integration tests, and all tests again with sanitizers.
check:
	@tests/check $(BUILD) $(CLANG) $(ASAN)

check-vm: build
	@tests/vm/check $(BUILD)

bench: build
	@bench/run $(BUILD)

fuzz:
	@fuzz/run $(FUZZ) $(FUZZ_SECONDS)

lint:
	@tools/lint

install: build
	@DESTDIR=$(DESTDIR) $(MESON) install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(ASAN) $(CLANG) $(FUZZ)
