// This file defines `skep man`.

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIRECTORY",
		Short: "Write the manual pages of all verbs",
		Example: `  skep man /usr/local/share/man/man1
  man ./skep-run.1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			a.cmd.DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "SKEP", Section: "1", Source: "skep " + buildVersion().Version}
			if err := doc.GenManTree(a.cmd, header, args[0]); err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			return nil
		},
	}
}
