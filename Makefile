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

# Compiles the committed objects of tests and examples again.
objects:
	$(MAKE) -C testdata/unsafe
	$(MAKE) -C examples
	$(MAKE) -C internal/object/testdata
	$(MAKE) -C cmd/skep/testdata/objects

.PHONY: test conformance objects
