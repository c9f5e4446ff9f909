package fuzz

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestWhy(t *testing.T) {
	want := os.Getenv("WHY")
	if want == "" {
		t.Skip()
	}
	re := regexp.MustCompile(want)
	o := Options{Seed: 1}
	n := 0
	for i := 0; i < 3000 && n < 2; i++ {
		s := o.Sample(i)
		k := ask(s.Prog, 1)
		if k.class == Rejected && re.MatchString(k.line) {
			n++
			ls := strings.Split(k.log, "\n")
			fmt.Println(i)
			fmt.Println(strings.Join(ls[max(0, len(ls)-32):], "\n"))
		}
	}
}
