package fuzz

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

func TestTime(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("IDX"))
	if n == 0 {
		t.Skip()
	}
	o := Options{Seed: 1}
	s := o.Sample(n)
	a := time.Now()
	k := ask(s.Prog, 4)
	b := time.Now()
	r := skep(context.Background(), catalog.Linux6_18, s.Prog, 4)
	c := time.Now()
	fmt.Println("kernel", k.class, k.line, b.Sub(a), k.log)
	fmt.Println("skep", r.class, r.line, c.Sub(b), r.log)
}

func TestSlow(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SLOW"))
	if n == 0 {
		t.Skip()
	}
	verifyLimit = 500 * time.Millisecond
	o := Options{Seed: 1}
	s := o.Sample(n)
	p := minimize(s.Prog, func(p *bytecode.Program) bool {
		a := time.Now()
		k := ask(p, 4)
		if k.class != Accepted || time.Since(a) > 150*time.Millisecond {
			return false
		}
		r := skep(context.Background(), catalog.Linux6_18, p, 0)
		return r.class == Broken
	})
	fmt.Println(Disassemble(p))
	fmt.Println(ask(p, 4).log)
}
