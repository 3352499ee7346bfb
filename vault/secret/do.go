//go:build goexperiment.runtimesecret

package secret

import "runtime/secret"

// Erasing says whether Do erases what its function leaves in registers, stack
// and heap.
const Erasing = true

// Do runs f. Heap temporaries of f are erased when the garbage collector next
// runs; Collect makes it run. f must not start goroutines: they are not covered. Keeps G18.
func Do(f func() error) error {
	var err error
	secret.Do(func() { err = f() })
	return err
}
