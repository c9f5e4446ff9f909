// This file defines `skep run`.

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/attach"
)

type runFlags struct {
	programs  []string
	pcap      string
	pcapOut   string
	iface     string
	repeat    uint32
	set       []string
	maps      []string
	watch     bool
	events    bool
	eventType string
	engine    string
	target    []string
	typ       string
}

func newRun(a *app) *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run FILE.o",
		Short: "Run programs over packets and print their maps",
		Long: `Run loads the object's programs, gives them every packet of a capture or of a
network interface, and prints what they returned and what their maps hold,
decoded by BTF.

Programs see Ethernet frames whatever the capture was taken on. A packet goes on
to --pcap-out when the program lets it pass: XDP_PASS, a tc action that
continues, a socket filter that returns more than 0 (a snap length: the packet
is cut to it).

--set takes variable=value, and map[key]=value or map[key] (value 0) for the
first contents of a map. Values are numbers, text for char arrays, names of
enums, JSON for arrays and structs, addresses and prefixes where the type's
decl tag says so.`,
		Example: `  skep run protocols.o --pcap traffic.pcap
  skep run flows.o --iface eth0 --watch
  skep run blocklist.o --set 'blocked[192.0.2.0/24]' --pcap in.pcap --pcap-out out.pcap
  tcpdump -w - | skep run synlog.o --pcap - --events --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), f, args[0]) },
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.programs, "program", nil, "run this program (repeatable; default: all that load by default)")
	fl.StringVar(&f.pcap, "pcap", "", "packets of a capture: pcap or pcapng, also gzipped; - is standard input")
	fl.StringVar(&f.pcapOut, "pcap-out", "", "write what a program lets pass (.pcap, .pcapng, .gz; - is standard output)")
	fl.StringVar(&f.iface, "iface", "", "packets of a network interface (Linux, CAP_NET_RAW)")
	fl.Uint32Var(&f.repeat, "repeat", 0, "read the capture N times; without packets, run N times on 64 zero bytes")
	fl.StringArrayVar(&f.set, "set", nil, "variable=value, map[key]=value or map[key] (repeatable)")
	fl.StringArrayVar(&f.maps, "map", nil, "print this map (repeatable; default: all)")
	fl.BoolVar(&f.watch, "watch", false, "print the maps every second")
	fl.BoolVar(&f.events, "events", false, "print the records of ring buffers as they come")
	fl.StringVar(&f.eventType, "event-type", "", "struct that the records are (default: what the map's decl tag skep:event:NAME says)")
	fl.StringVar(&f.engine, "engine", string(skep.EngineAuto), "auto, jit, interp or checked")
	fl.StringArrayVar(&f.target, "target", nil, "kernel to verify for: linux-6.18 (default), host, ...")
	fl.StringVar(&f.typ, "type", "", "program type of sections that name none")
	cmd.MarkFlagsMutuallyExclusive("pcap", "iface")
	completeFrom(cmd, "engine", engineNames)
	completeFrom(cmd, "target", append(skep.Targets(), "host"))
	return cmd
}

// runner is one `skep run`.
type runner struct {
	*app
	flags *runFlags
	mu    sync.Mutex // of out: programs print from any goroutine

	obj      *skep.Object
	kernel   *skep.Kernel
	coll     *skep.Collection
	attached []*attached
	rings    []*ring
	sink     attach.Sink
	shown    []string // maps to print
}

// run loads, attaches, plays the packets and prints. What was counted until an
// error is printed, too.
func (a *app) run(ctx context.Context, f *runFlags, file string) error {
	if err := f.check(); err != nil {
		return err
	}
	r := &runner{app: a, flags: f}
	defer r.close()
	for _, step := range []func(context.Context, string) error{r.load, r.setMaps, r.attach, r.openRings} {
		if err := step(ctx, file); err != nil {
			return err
		}
	}
	played := r.play(ctx)
	if r.sink != nil {
		played = errors.Join(played, r.sink.Close())
	}
	return errors.Join(played, r.report())
}

func (f *runFlags) check() error {
	if f.pcap == "-" && f.repeat > 1 {
		return errors.New("--repeat: standard input can be read once")
	}
	if f.iface != "" && f.repeat > 0 {
		return errors.New("--repeat: an interface's packets come once")
	}
	if f.pcapOut != "" && f.pcap == "" && f.iface == "" {
		return errors.New("--pcap-out: no packets, use --pcap or --iface")
	}
	return nil
}

// load reads the object and loads its programs.
func (r *runner) load(ctx context.Context, file string) (err error) {
	if r.obj, err = skep.OpenObject(file); err != nil {
		return err
	}
	targets, err := resolveTargets(r.flags.target, "")
	if err != nil {
		return err
	}
	r.kernel, err = skep.NewKernel(&skep.KernelOptions{Target: targets[0], Log: r.trace})
	if err != nil {
		return err
	}
	globals, err := r.flags.globals()
	if err != nil {
		return err
	}
	opts := &skep.LoadOptions{
		Programs: r.flags.programs, Globals: globals, Engine: skep.Engine(r.flags.engine), Type: r.flags.typ,
	}
	if r.verbose {
		opts.LogLevel = 1
	}
	if r.coll, err = r.kernel.LoadContext(ctx, r.obj, opts); err != nil {
		return rejected(err)
	}
	r.shown, err = r.mapsToShow()
	return err
}

// rejected turns the verifier's refusal into an answer.
func rejected(err error) error {
	var ve *skep.VerifierError
	if errors.As(err, &ve) {
		return &answer{ve}
	}
	return err
}

// attached is a program that sees the packets.
type attached struct {
	link    *skep.Link
	name    string
	section string
	counts  returnCounts
	event   skep.Event
	frame   []byte // own copy where several programs see each packet
	spent   time.Duration
	timed   uint64 // runs that spent is of
}

// attach links the programs that see packets: all but those that only tail
// calls reach.
func (r *runner) attach(context.Context, string) error {
	var skipped []string
	for _, info := range r.obj.Programs() {
		p := r.coll.Programs[info.Name]
		if p == nil || p.TailCalled() && len(r.flags.programs) == 0 {
			continue
		}
		link, err := r.kernel.AttachPackets(p)
		if err != nil {
			skipped = append(skipped, fmt.Sprintf("%s (%s)", p.Name(), p.Type()))
			continue
		}
		r.attached = append(r.attached, &attached{link: link, name: p.Name(), section: p.Section()})
	}
	if len(r.attached) == 0 {
		return fmt.Errorf("no program that sees packets, only %v", skipped)
	}
	for _, s := range skipped {
		r.warn("no event reaches program %s here", s)
	}
	if r.flags.pcapOut != "" && len(r.attached) > 1 {
		return fmt.Errorf("--pcap-out: %d programs see the packets, choose one with --program", len(r.attached))
	}
	return nil
}

func (r *runner) warn(format string, args ...any) {
	fmt.Fprintf(r.err, "skep: "+format+"\n", args...)
}

// trace prints what a program printed.
func (r *runner) trace(program, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.json {
		r.line(struct {
			Kind    string `json:"kind"`
			Program string `json:"program"`
			Text    string `json:"text"`
		}{"trace", program, text})
		return
	}
	fmt.Fprintf(r.out, "%s: %s\n", program, text)
}

func (r *runner) close() {
	for _, a := range r.attached {
		a.link.Close()
	}
	if r.coll != nil {
		r.coll.Close()
	}
	if r.kernel != nil {
		r.kernel.Close()
	}
}
