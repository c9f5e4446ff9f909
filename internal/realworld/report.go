// This file defines what a run found, by project and by object.

package realworld

import (
	"cmp"
	"maps"
	"slices"

	"github.com/skepbpf/skep/internal/conformance"
)

// Report is the result of a run.
type Report struct {
	*conformance.Report
	objects map[*conformance.CorpusObject]*Object
	skipped map[*Object]error
}

// Row adds up the objects of a project.
type Row struct {
	Project string
	// Objects are those of which the kernel gave a verdict on some program; in
	// those that agree both gave the same one on every such program.
	Objects conformance.Count
	conformance.Counts
	Programs int // that were put to both
	Unseen   int // of these, those that the kernel refused before it verified them
	Unlinked int // that cannot be linked for this kernel
}

// Rows are the rows of all projects, the largest first, and their sum.
func (r *Report) Rows() (rows []*Row, total *Row) {
	byName := map[string]*Row{}
	row := func(c *conformance.CorpusObject) *Row {
		name := r.objects[c].Source.Project
		if byName[name] == nil {
			byName[name] = &Row{Project: name}
		}
		return byName[name]
	}
	total = &Row{Project: "total"}
	for _, o := range r.Outcomes {
		row(o.Object).add(o)
		total.add(o)
	}
	for _, c := range r.Report.Unlinked {
		row(c.Object).Unlinked++
		total.Unlinked++
	}
	for c, agree := range r.agreement() {
		for _, row := range []*Row{row(c), total} {
			row.Objects.Total++
			if agree {
				row.Objects.Agree++
			}
		}
	}
	rows = slices.SortedFunc(maps.Values(byName), func(a, b *Row) int {
		return cmp.Or(-cmp.Compare(a.Objects.Total, b.Objects.Total), cmp.Compare(a.Project, b.Project))
	})
	return rows, total
}

func (row *Row) add(o *conformance.Outcome) {
	row.Programs++
	if o.Want == conformance.NoVerdict {
		row.Unseen++
	}
	row.Counts.Add(o)
}

// agreement tells of each object with a verdict of the kernel's whether Skep
// gives the same verdicts.
func (r *Report) agreement() map[*conformance.CorpusObject]bool {
	agree := map[*conformance.CorpusObject]bool{}
	for _, o := range r.Outcomes {
		if o.Want == conformance.NoVerdict {
			continue
		}
		if before, known := agree[o.Object]; before || !known {
			agree[o.Object] = o.Skep.Verdict == o.Want
		}
	}
	return agree
}

// Skipped are the reasons why objects could not be had, each with the number of
// objects.
func (r *Report) Skipped() map[string]int {
	n := map[string]int{}
	for _, err := range r.skipped {
		n[err.Error()]++
	}
	return n
}
