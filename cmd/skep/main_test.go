// This file runs the command's test scripts (testdata/*.txtar).

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"skep": main}) }

func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		// Every line starts a process, which the race detector slows down much.
		files = []string{"testdata/run_events.txtar", "testdata/verify_formats.txtar"}
	}
	testscript.Run(t, testscript.Params{
		Files: files,
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", filepath.Join(root, "examples"))
			env.Setenv("CAPTURES", filepath.Join(root, "testdata", "captures"))
			env.Setenv("OBJECTS", filepath.Join(root, "cmd", "skep", "testdata", "objects"))
			return nil
		},
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"head": head},
		UpdateScripts: os.Getenv("SKEP_UPDATE_SCRIPTS") != "",
	})
}

// head cuts a file to its first bytes: head FILE COUNT TO.
func head(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: head FILE COUNT TO")
	}
	b := ts.ReadFile(args[0])
	n := 0
	for _, c := range args[1] {
		n = n*10 + int(c-'0')
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(b)[:min(n, len(b))], 0o644))
}
