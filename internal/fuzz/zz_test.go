package fuzz

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	var seed uint64
	var n int
	if _, err := fmt.Sscan(os.Getenv("ZZ"), &seed, &n); err != nil {
		t.Skip()
	}
	o := Options{Seed: seed}
	s := o.Sample(n)
	a := time.Now()
	k := ask(s.Prog, 4)
	b := time.Now()
	r := o.verify(context.Background(), s.Prog, 4)
	c := time.Now()
	last := func(x string) string { l := strings.Split(strings.TrimSpace(x), "\n"); return l[len(l)-1] }
	fmt.Println("kernel", k.class, k.line, b.Sub(a), last(k.log))
	fmt.Println("skep", r.class, r.line, c.Sub(b), last(r.log))
}
