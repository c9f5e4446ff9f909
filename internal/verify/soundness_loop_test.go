package verify_test

var loopRows []soundness
