// This file defines a register's state in words.

package report

import (
	"fmt"
	"strings"
)

// inWords says what a register held, given how the log prints it: "ctx()",
// "scalar(umin=1,umax=5)", "map_value_or_null(id=1,map=hits,ks=4,vs=8)". What it
// does not know it quotes.
func inWords(state string) string {
	if state == "" {
		return ""
	}
	name, args := parseState(state)
	base, nullable := strings.CutSuffix(name, "_or_null")
	if p := strings.TrimPrefix(base, "P"); p == "scalar" || isNumber(p) { // precise
		base = p
	}
	words := ""
	switch describe, known := stateWords[base]; {
	case known:
		words = describe(args)
	case strings.HasPrefix(base, "fp"):
		words = stackWords(base)
	case strings.Contains(base, "ptr_"):
		_, name, _ := strings.Cut(base, "ptr_")
		words = "a pointer to struct " + name + offset(args)
	case isNumber(base):
		words = "the number " + base
	default:
		words = base
	}
	if nullable {
		words += ", or NULL"
	}
	return words
}

// stateWords describe the kinds of values by the log's names.
var stateWords = map[string]func(args map[string]string) string{
	"scalar": scalarWords,
	"ctx":    func(args map[string]string) string { return "the context" + offset(args) },
	"map_ptr": func(args map[string]string) string {
		return "a map" + named(args) + ", not its value"
	},
	"map_value": func(args map[string]string) string {
		return "a pointer to the value of map" + named(args) + offset(args) + sizeOf(args, "vs")
	},
	"map_key": func(args map[string]string) string {
		return "a pointer to a key of map" + named(args) + offset(args) + sizeOf(args, "ks")
	},
	"pkt": func(args map[string]string) string {
		return "a pointer into the packet" + offset(args) + ", of which " + checked(args) + " are known to exist"
	},
	"pkt_meta": func(args map[string]string) string { return "a pointer into the packet's metadata" + offset(args) },
	"pkt_end":  func(map[string]string) string { return "the end of the packet" },
	"mem": func(args map[string]string) string {
		return "a pointer to memory" + offset(args) + sizeOf(args, "sz")
	},
	"ringbuf_mem": func(args map[string]string) string {
		return "a record of a ring buffer" + offset(args) + sizeOf(args, "sz")
	},
	"sock":        func(map[string]string) string { return "a socket" },
	"sock_common": func(map[string]string) string { return "the common part of a socket" },
	"tcp_sock":    func(map[string]string) string { return "a TCP socket" },
	"flow_keys":   func(map[string]string) string { return "the flow keys" },
	"func":        func(map[string]string) string { return "the address of a function" },
}

// parseState cuts "name(key=value,…)" into its parts.
func parseState(state string) (name string, args map[string]string) {
	name, list, _ := strings.Cut(state, "(")
	args = map[string]string{}
	var keys []string
	for _, part := range strings.Split(strings.TrimSuffix(list, ")"), ",") {
		key, value, ok := strings.Cut(part, "=")
		keys = append(keys, key)
		for ok && strings.Contains(value, "=") { // smin=smin32=0: one value for several
			key, value, ok = strings.Cut(value, "=")
			keys = append(keys, key)
		}
		for _, k := range keys {
			args[k] = value
		}
		keys = keys[:0]
	}
	return name, args
}

// scalarWords prefers the unsigned range, which is what most checks are about.
func scalarWords(args map[string]string) string {
	low, high := args["umin"], args["umax"]
	switch {
	case low != "" && high != "":
		return fmt.Sprintf("a number from %s to %s", low, high)
	case high != "":
		return fmt.Sprintf("a number of at most %s", high)
	case args["smin"] != "" && args["smax"] != "":
		return fmt.Sprintf("a number from %s to %s", args["smin"], args["smax"])
	case low != "":
		return fmt.Sprintf("a number of at least %s, without a limit above", low)
	case args["smax"] != "":
		return fmt.Sprintf("a number of at most %s, perhaps negative", args["smax"])
	case args["smin"] != "":
		return fmt.Sprintf("a number of at least %s, without a limit above", args["smin"])
	}
	return "any number"
}

func named(args map[string]string) string {
	if m := args["map"]; m != "" {
		return " " + m
	}
	return ""
}

// offset says where in its object a pointer points.
func offset(args map[string]string) string {
	words := ""
	if off := args["off"]; off != "" && off != "0" {
		words = " plus " + off
	}
	if high := args["umax"]; high != "" {
		words += " plus a number up to " + high
	} else if args["var_off"] != "" {
		words += " plus a number that is not known"
	}
	return words
}

func sizeOf(args map[string]string, key string) string {
	if size := args[key]; size != "" {
		return " (" + size + " bytes)"
	}
	return ""
}

// checked is how much of the packet was compared with its end.
func checked(args map[string]string) string {
	if r := args["r"]; r != "" {
		return r + " bytes"
	}
	return "0 bytes"
}

func stackWords(base string) string {
	off := strings.TrimPrefix(base, "fp")
	if off == "0" || off == "" {
		return "the frame pointer"
	}
	return "a pointer to the stack, at fp" + off
}

func isNumber(s string) bool {
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "0x")
	return digits != "" && strings.Trim(digits, "0123456789abcdef") == ""
}
