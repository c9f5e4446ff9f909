// This file defines how Go values become keys and values of a map, and back.

package skep

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"
)

func (m *Map) marshalKey(key any) ([]byte, error) {
	b, err := marshal(key, int(m.KeySize()))
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return b, nil
}

func (m *Map) marshalValue(value any) ([]byte, error) {
	b, err := m.appendValue(nil, value)
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	return b, nil
}

// appendValue marshals a value in the layout of bpf(2).
func (m *Map) appendValue(to []byte, value any) ([]byte, error) {
	size := int(m.inner.UserValueSize())
	v := reflect.ValueOf(value)
	if b, ok := value.([]byte); !m.inner.PerCPU() || ok && len(b) == size {
		b, err := marshal(value, size)
		return append(to, b...), err
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Slice || v.Len() > m.inner.CPUs() {
		return nil, fmt.Errorf("%T: want a slice with a value for each of %d CPUs", value, m.inner.CPUs())
	}
	start, stride := len(to), size/m.inner.CPUs()
	to = append(to, make([]byte, size)...)
	for i := range v.Len() {
		b, err := marshal(v.Index(i).Interface(), int(m.ValueSize()))
		if err != nil {
			return nil, fmt.Errorf("CPU %d: %w", i, err)
		}
		copy(to[start+i*stride:], b)
	}
	return to, nil
}

// unmarshalValue reads a value from the layout of bpf(2).
func (m *Map) unmarshalValue(b []byte, out any) error {
	if _, raw := out.(*[]byte); !m.inner.PerCPU() || raw {
		return unmarshal(b, out)
	}
	cpus := m.inner.CPUs()
	v := reflect.ValueOf(out)
	if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Slice {
		if v = v.Elem(); v.Len() != cpus {
			v.Set(reflect.MakeSlice(v.Type(), cpus, cpus))
		}
	}
	if v.Kind() != reflect.Slice || v.Len() != cpus {
		return fmt.Errorf("%T: want a slice for %d CPUs, or a pointer to a slice", out, cpus)
	}
	for i, stride := 0, len(b)/cpus; i < cpus; i++ {
		if err := unmarshal(b[i*stride:][:m.ValueSize()], v.Index(i).Addr().Interface()); err != nil {
			return fmt.Errorf("CPU %d: %w", i, err)
		}
	}
	return nil
}

// marshal gives the size bytes of v.
func marshal(v any, size int) ([]byte, error) {
	b, err := encode(v)
	if err != nil {
		return nil, err
	}
	if len(b) != size {
		return nil, fmt.Errorf("%T has %d bytes, want %d", v, len(b), size)
	}
	return b, nil
}

func encode(v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return nil, fmt.Errorf("nil: %w", EINVAL)
	case []byte:
		return v, nil
	case string:
		return []byte(v), nil
	case uint32:
		return binary.NativeEndian.AppendUint32(nil, v), nil
	case uint64:
		return binary.NativeEndian.AppendUint64(nil, v), nil
	case encoding.BinaryMarshaler:
		return v.MarshalBinary()
	}
	rv := reflect.Indirect(reflect.ValueOf(v))
	if !rv.IsValid() {
		return nil, fmt.Errorf("%T is nil: %w", v, EINVAL)
	}
	if plain(rv.Type()) {
		at := reflect.New(rv.Type())
		at.Elem().Set(rv)
		return memoryOf(at), nil
	}
	return binary.Append(nil, binary.NativeEndian, rv.Interface())
}

// unmarshal reads b into what out points to.
func unmarshal(b []byte, out any) error {
	switch out := out.(type) {
	case *[]byte:
		*out = append((*out)[:0], b...)
		return nil
	case []byte:
		if len(out) != len(b) {
			return fmt.Errorf("[]byte has %d bytes, want %d", len(out), len(b))
		}
		copy(out, b)
		return nil
	case *string:
		*out = string(b)
		return nil
	case encoding.BinaryUnmarshaler:
		return out.UnmarshalBinary(b)
	}
	rv := reflect.ValueOf(out)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return fmt.Errorf("%T: want a pointer", out)
	}
	if plain(rv.Type().Elem()) {
		if to := memoryOf(rv); len(to) != len(b) {
			return fmt.Errorf("%T has %d bytes, want %d", out, len(to), len(b))
		}
		copy(memoryOf(rv), b)
		return nil
	}
	if n := binary.Size(out); n != len(b) {
		return fmt.Errorf("%T has %d bytes, want %d", out, n, len(b))
	}
	return binary.Read(bytes.NewReader(b), binary.NativeEndian, out)
}

// plain reports whether a type's memory is its encoding: numbers only, and
// nothing between them.
func plain(t reflect.Type) bool {
	switch k := t.Kind(); {
	case k == reflect.Array:
		return plain(t.Elem())
	case k == reflect.Struct:
		end := uintptr(0)
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Offset != end || !plain(f.Type) {
				return false
			}
			end += f.Type.Size()
		}
		return end == t.Size()
	default:
		return isNumber(k)
	}
}

func isNumber(k reflect.Kind) bool {
	switch k {
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	}
	return false
}

// memoryOf views what a pointer points to; its type has a plain layout.
func memoryOf(p reflect.Value) []byte {
	return unsafe.Slice((*byte)(p.UnsafePointer()), p.Type().Elem().Size())
}
