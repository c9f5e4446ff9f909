// SPDX-License-Identifier: Apache-2.0
// A socket filter that takes the first 40 bytes of each packet.
#include "bpf.h"

SEC("socket")
int snap(struct __sk_buff *skb)
{
	(void)skb;
	return 40;
}

char _license[] SEC("license") = "Apache-2.0";
