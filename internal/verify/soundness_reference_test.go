package verify_test

var referenceRows []soundness
