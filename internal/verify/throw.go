// This file defines exceptions: bpf_throw leaves all functions at once.

package verify

var throwRules = unknownKfuncs("bpf_throw")
