// This file defines tests of the cache and of the tools' errors.

package conformance

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestMakeDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	fail := errors.New("half way")
	err := makeDir(dir, func(tmp string) error {
		if err := os.WriteFile(filepath.Join(tmp, "x"), nil, 0o644); err != nil {
			return err
		}
		return fail
	})
	if !errors.Is(err, fail) {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Fatal("a half-made directory stays")
	}
	calls := 0
	for range 2 {
		err := makeDir(dir, func(tmp string) error {
			calls++
			return os.WriteFile(filepath.Join(tmp, "x"), nil, 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); err != nil || calls != 1 {
		t.Errorf("made %d times, %v", calls, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnswerCache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "answer.json.gz")
	want := rejected("no")
	if err := saveAnswer(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := readAnswer(path)
	if err != nil {
		t.Fatal(err)
	}
	if *got != *want || got.Verdict() != Reject || got.Line() != "no" {
		t.Errorf("got %+v", got)
	}
}

func TestMissingError(t *testing.T) {
	err := &MissingError{[]MissingTool{{"clang-19", "clang-19"}, {"xz", "xz-utils"}}}
	want := "conformance corpus: missing clang-19 (apt-get install clang-19), xz (apt-get install xz-utils)"
	if err.Error() != want {
		t.Errorf("got %q", err)
	}
}
