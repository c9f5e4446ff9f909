// This file defines readBarrier.

#include "textflag.h"

// func readBarrier()
TEXT ·readBarrier(SB), NOSPLIT, $0-0
	DMB	$0x9 // ISHLD
	RET
