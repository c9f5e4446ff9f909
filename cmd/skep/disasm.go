// This file defines `skep disasm`.

package main

import (
	"context"
	"fmt"
	"strings"

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
come from, and beside them what Skep runs in their place. Programs that are not
accepted have no such column.`,
		Example: `  skep disasm prog.o
  skep disasm prog.o --program handle_tp --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.disasm(cmd.Context(), args[0], programs, targets)
		},
	}
	cmd.Flags().StringArrayVar(&programs, "program", nil, "list this program (repeatable)")
	cmd.Flags().StringArrayVar(&targets, "target", nil, "kernel to link for: linux-6.18 (default), host, ...")
	completeFrom(cmd, "target", append(skep.Targets(), "host"))
	return cmd
}

func (a *app) disasm(ctx context.Context, file string, programs, targets []string) error {
	obj, err := skep.OpenObject(file)
	if err != nil {
		return err
	}
	resolved, err := resolveTargets(targets, "")
	if err != nil {
		return err
	}
	listings, err := skep.Disassemble(ctx, obj, resolved[0], programs)
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
	Kind    string   `json:"kind"`
	Program string   `json:"program"`
	Func    string   `json:"func,omitempty"`
	Insn    int      `json:"insn"`
	Text    string   `json:"text"`
	Note    string   `json:"note,omitempty"`
	Lowered []string `json:"lowered,omitempty"`
	Source  string   `json:"source,omitempty"`
	File    string   `json:"file,omitempty"`
}

func (a *app) list(l *skep.Listing) {
	if !a.json {
		fmt.Fprintf(a.out, "%s  %s\n", paint(a.out, text.Bold, l.Program), paint(a.out, text.Faint, l.Section+" "+l.Type))
	}
	for _, line := range l.Lines {
		if a.json {
			a.line(insnJSON{"insn", l.Program, line.Func, line.Insn, line.Text, line.Note, line.Lowered, line.Source, line.File})
			continue
		}
		a.listLine(&line)
	}
	if !a.json {
		fmt.Fprintln(a.out)
	}
}

// textWidth is where the column of what runs begins.
const textWidth = 48

func (a *app) listLine(line *skep.ListingLine) {
	if line.Func != "" {
		fmt.Fprintf(a.out, "%s:\n", line.Func)
	}
	if line.Source != "" {
		fmt.Fprintf(a.out, "%s\n", paint(a.out, text.FgCyan, fmt.Sprintf("; %s @ %s", line.Source, line.File)))
	}
	insn := line.Text
	if line.Note != "" {
		insn += "  ; " + line.Note
	}
	if len(line.Lowered) > 0 {
		insn = fmt.Sprintf("%-*s %s", textWidth, insn, paint(a.out, text.Faint, "| "+strings.Join(line.Lowered, "; ")))
	}
	fmt.Fprintf(a.out, "%6d: %s\n", line.Insn, insn)
}
