// This file defines the kernel that objects are linked for and programs are
// verified for: the one that runs, so that both verifiers see the same types.

package conformance

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/object"
)

// RunningEnv is what linking takes from the running kernel.
func RunningEnv() (*object.Env, error) {
	raw, err := os.ReadFile(vmlinuxBTF)
	if err != nil {
		return nil, fmt.Errorf("types of the running kernel: %w", err)
	}
	spec, err := btfx.Parse(raw, nil)
	if err != nil {
		return nil, fmt.Errorf("types of the running kernel: %w", err)
	}
	release, _, _ := strings.Cut(live.Release(), " ")
	config, err := kernelConfig(release)
	if err != nil {
		return nil, fmt.Errorf("configuration of the running kernel: %w", err)
	}
	return &object.Env{BTF: spec, Kconfig: config, KernelVersion: versionCode(release)}, nil
}

// versionCode turns "6.18.44-name" into 6<<16 | 18<<8 | 44, parts cut to 255.
func versionCode(release string) uint32 {
	var a, b, c uint32
	_, _ = fmt.Sscanf(release, "%d.%d.%d", &a, &b, &c)
	return a<<16 | min(b, 255)<<8 | min(c, 255)
}

// kernelConfig reads the configuration where libbpf looks for it.
func kernelConfig(release string) (map[string]string, error) {
	data, err := os.ReadFile("/boot/config-" + release)
	if err != nil {
		data, err = os.ReadFile("/proc/config.gz")
	}
	if err != nil {
		return nil, err
	}
	var r io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, err
		}
	}
	config := map[string]string{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && strings.HasPrefix(name, "CONFIG_") {
			config[name] = value
		}
	}
	return config, nil
}
