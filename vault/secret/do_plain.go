//go:build !goexperiment.runtimesecret

package secret

// Erasing says whether Do erases what its function leaves in registers, stack
// and heap. This build lacks it: GOEXPERIMENT=runtimesecret.
const Erasing = false

// Do runs f. This build erases nothing beyond the guarded buffers.
func Do(f func() error) error { return f() }
