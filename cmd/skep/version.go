// This file defines `skep version`.

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says what this executable was made of.
type build struct {
	Version  string `json:"version"`  // module version, "(devel)" for a checkout
	Revision string `json:"revision"` // VCS commit, "" when not stamped
	Time     string `json:"time"`     // of the commit
	Modified bool   `json:"modified"` // the checkout had changes
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print what this build was made of",
		Example: "  skep version --json",
		Args:    cobra.NoArgs,
		Run: func(*cobra.Command, []string) {
			b := buildVersion()
			if a.json {
				a.line(b)
				return
			}
			fmt.Fprintln(a.out, b)
		},
	}
}

func buildVersion() build {
	b := build{Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is one line for people.
func (b build) String() string {
	s := "skep " + b.Version
	if b.Revision != "" {
		s += fmt.Sprintf(" (%.12s, %s)", b.Revision, b.Time)
	}
	if b.Modified {
		s += " modified"
	}
	return fmt.Sprintf("%s %s %s/%s", s, b.Go, b.OS, b.Arch)
}
