# Targets of development. "go test ./..." needs nothing but Go.

# More flags for the conformance harness, e.g. CONFORMANCE_FLAGS='-run verifier_and -v'.
CONFORMANCE_FLAGS ?= -diffs 50

test:
	go test ./...

# Compares Skep with the kernel's own selftests; needs linux-source-6.12,
# clang-19 and bpftool. With -unpriv among the flags it also asks the kernel
# about unprivileged programs.
conformance:
	go run ./internal/conformance/cmd/conformance $(CONFORMANCE_FLAGS)

# Writes what a run gives to where it is kept.
conformance-doc:
	go run ./internal/conformance/cmd/conformance -diffs 0 -unpriv -bless -doc docs/conformance.md

# Compares Skep with the kernel on compiled objects of well-known projects,
# which it fetches: Debian packages by apt-get, Go modules by go.
# REALWORLD_FLAGS='-run libbpf-tools -v'.
realworld:
	go run ./internal/realworld/cmd/realworld $(REALWORLD_FLAGS)

# Compares the time that verification takes with the running kernel's, best of
# nine; takes minutes. Fails above 1.5 times the kernel's, or 1 GiB.
bench-verify:
	go run ./internal/conformance/cmd/benchverify -doc docs/benchmarks.md

# Runs every fuzz target, FUZZTIME each (5m).
fuzz:
	bash .ci/fuzz

# Generated programs against the running kernel's verifier, and what Skep
# accepts in the checked interpreter. DIFFERENTIAL_FLAGS='-n 1000000 -seed 1'.
DIFFERENTIAL_FLAGS ?= -time 60s
differential:
	go run ./internal/fuzz/cmd/fuzz $(DIFFERENTIAL_FLAGS)

# Compiles the committed objects of tests and examples again.
objects:
	$(MAKE) -C testdata/unsafe
	$(MAKE) -C examples
	$(MAKE) -C internal/object/testdata
	$(MAKE) -C internal/conformance/features/testdata
	$(MAKE) -C cmd/skep/testdata/objects

.PHONY: test conformance conformance-doc bench-verify realworld fuzz differential objects
