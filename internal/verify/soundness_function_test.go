package verify_test

var functionRows []soundness
