package verify_test

var stackRows []soundness
