// This file defines `skep disasm`.

package main

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/skepbpf/skep"
)

func newDisasm(a *app) *cobra.Command {
	var programs, targets []string
	cmd := &cobra.Command{
		Use:   "disasm FILE.o",
		Short: "List programs with their source",
		Long: `Disasm links the object's programs as they would be loaded and lists their
instructions in the words of the kernel's log, below the source lines that they
come from.`,
		Example: `  skep disasm prog.o
  skep disasm prog.o --program handle_tp --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.disasm(args[0], programs, targets) },
	}
	cmd.Flags().StringArrayVar(&programs, "program", nil, "list this program (repeatable)")
	cmd.Flags().StringArrayVar(&targets, "target", nil, "kernel to link for: linux-6.18 (default), host, ...")
	completeFrom(cmd, "target", append(skep.Targets(), "host"))
	return cmd
}

func (a *app) disasm(file string, programs, targets []string) error {
	obj, err := skep.OpenObject(file)
	if err != nil {
		return err
	}
	resolved, err := resolveTargets(targets, "")
	if err != nil {
		return err
	}
	listings, err := skep.Disassemble(obj, resolved[0], programs)
	if err != nil {
		return err
	}
	var failed error
	for i := range listings {
		if err := listings[i].Err; err != nil {
			a.complain(fmt.Errorf("program %s: %w", listings[i].Program, err))
			failed = errSaid
			continue
		}
		a.list(&listings[i])
	}
	return failed
}

type insnJSON struct {
	Kind    string `json:"kind"`
	Program string `json:"program"`
	Func    string `json:"func,omitempty"`
	Insn    int    `json:"insn"`
	Text    string `json:"text"`
	Note    string `json:"note,omitempty"`
	Source  string `json:"source,omitempty"`
	File    string `json:"file,omitempty"`
}

func (a *app) list(l *skep.Listing) {
	if !a.json {
		fmt.Fprintf(a.out, "%s  %s\n", paint(a.out, text.Bold, l.Program), paint(a.out, text.Faint, l.Section+" "+l.Type))
	}
	for _, line := range l.Lines {
		if a.json {
			a.line(insnJSON{"insn", l.Program, line.Func, line.Insn, line.Text, line.Note, line.Source, line.File})
			continue
		}
		a.listLine(&line)
	}
	if !a.json {
		fmt.Fprintln(a.out)
	}
}

func (a *app) listLine(line *skep.ListingLine) {
	if line.Func != "" {
		fmt.Fprintf(a.out, "%s:\n", line.Func)
	}
	if line.Source != "" {
		fmt.Fprintf(a.out, "%s\n", paint(a.out, text.FgCyan, fmt.Sprintf("; %s @ %s", line.Source, line.File)))
	}
	note := ""
	if line.Note != "" {
		note = "  ; " + line.Note
	}
	fmt.Fprintf(a.out, "%6d: %s%s\n", line.Insn, line.Text, paint(a.out, text.Faint, note))
}
