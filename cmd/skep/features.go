// This file defines `skep features`.

package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/skepbpf/skep"
)

func newFeatures(a *app) *cobra.Command {
	var targets []string
	cmd := &cobra.Command{
		Use:   "features",
		Short: "Print what this build supports, and what each target has",
		Example: `  skep features
  skep features --target linux-5.15 --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if len(targets) == 0 {
				targets = skep.Targets()
			}
			resolved, err := resolveTargets(targets, "")
			if err != nil {
				return err
			}
			for _, t := range resolved {
				a.features(t.Features())
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&targets, "target", nil, "this target only (repeatable)")
	completeFrom(cmd, "target", append(skep.Targets(), "host"))
	return cmd
}

type featuresJSON struct {
	Target   string          `json:"target"`
	BTF      bool            `json:"btf"`
	Engines  []skep.Engine   `json:"engines"`
	Programs map[string]bool `json:"program_types"` // name → sees packets here
	Maps     map[string]bool `json:"map_kinds"`     // name → can be made
	Helpers  map[string]bool `json:"helpers"`       // name → runs
}

func (a *app) features(f *skep.Features) {
	programs, kinds, helpers := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range f.ProgramTypes {
		programs[p.Name] = p.Packets
	}
	for _, m := range f.MapKinds {
		kinds[m.Name] = m.Usable
	}
	for _, h := range f.Helpers {
		helpers[h.Name] = h.Runs
	}
	if a.json {
		a.line(featuresJSON{f.Target, f.BTF, f.Engines, programs, kinds, helpers})
		return
	}
	engines := make([]string, len(f.Engines))
	for i, e := range f.Engines {
		engines[i] = string(e)
	}
	fmt.Fprintln(a.out, paint(a.out, text.Bold, f.Target))
	tab := newTable(a.out)
	tab.AppendRow(row("engines", strings.Join(engines, ", ")))
	tab.AppendRow(row("kernel types", map[bool]string{true: "yes", false: "no: CO-RE and BTF-typed programs need --btf"}[f.BTF]))
	tab.AppendRow(row("program types", fmt.Sprintf("%d verify, %d see packets", len(programs), count(programs))))
	tab.AppendRow(row("map kinds", fmt.Sprintf("%d verify, %d can be made", len(kinds), count(kinds))))
	tab.AppendRow(row("helpers", fmt.Sprintf("%d verify, %d run", len(helpers), count(helpers))))
	tab.Render()
	fmt.Fprintln(a.out)
}

func count(m map[string]bool) (n int) {
	for _, yes := range m {
		if yes {
			n++
		}
	}
	return n
}
