package verify_test

var pointerRows []soundness
