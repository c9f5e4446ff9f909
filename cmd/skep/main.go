// This file defines the command, its verbs and how it ends.

// Skep verifies, runs and measures eBPF programs in user space. It takes object
// files and packets and gives verdicts, map contents and events. It stands on
// the root package and on internal/attach; nothing imports it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// Exit codes.
const (
	exitOK    = 0
	exitNo    = 1 // it ran, and the answer is no
	exitCould = 2 // it could not: usage, unreadable file, unsupported
)

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(os.Stdout, os.Stderr)
	err := root.cmd.ExecuteContext(ctx)
	return root.exit(err)
}

// answer is an error for "it ran, and the answer is no". Err is nil when what
// is wrong has been said already.
type answer struct{ err error }

func (a *answer) Error() string {
	if a.err == nil {
		return "no"
	}
	return a.err.Error()
}

func (a *answer) Unwrap() error { return a.err }

// errSaid ends the command with exit code 2 when all has been said.
var errSaid = errors.New("said")

// app is what all verbs share.
type app struct {
	cmd      *cobra.Command
	out, err io.Writer
	json     bool
	verbose  bool
}

func newRoot(out, errOut io.Writer) *app {
	a := &app{out: out, err: errOut}
	a.cmd = &cobra.Command{
		Use:   "skep",
		Short: "Verify, run and measure eBPF programs in user space",
		Long: `Skep is the Linux BPF subsystem in user space: it verifies eBPF programs as the
kernel does, message for message, and runs them over packets, without root.

Exit status: 0 it did; 1 it ran and the answer is no (a program is rejected);
2 it could not (usage, unreadable file, unsupported).`,
		Example: `  skep verify prog.o
  skep run examples/protocols/protocols.o --pcap testdata/captures/mixed.pcap`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	a.cmd.SetOut(out)
	a.cmd.SetErr(errOut)
	a.cmd.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON object a line")
	a.cmd.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "print the verifier's log, and a rejection's reason in words")
	for _, verb := range verbs {
		a.cmd.AddCommand(verb(a))
	}
	return a
}

// verbs is the command's table of contents.
var verbs = []func(*app) *cobra.Command{
	newVerify, newRun, newDisasm, newBench, newFeatures, newVersion, newMan,
}

// exit prints what is left to say and gives the exit code.
func (a *app) exit(err error) int {
	var no *answer
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &no):
		if no.err != nil {
			a.complain(no.err)
		}
		return exitNo
	case errors.Is(err, errSaid):
		return exitCould
	}
	a.complain(err)
	return exitCould
}

// complain prints an error: the log of a rejected program with -v.
func (a *app) complain(err error) {
	if a.json {
		a.line(struct {
			Kind  string `json:"kind"`
			Error string `json:"error"`
		}{"error", err.Error()})
	}
	if a.verbose {
		fmt.Fprintf(a.err, "skep: %+v\n", err)
		return
	}
	fmt.Fprintf(a.err, "skep: %v\n", err)
}
