package verify_test

var packetRows []soundness
