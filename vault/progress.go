package vault

import "sync"

// steps begins a step of total bytes; what it returns is told how many more are done.
type steps func(step string, total int64) func(n int)

// newSteps tells one after the other how far the steps are, which may go on side by side: a step
// for each medium. tell is nil for nobody.
func newSteps(tell func(step string, done, total int64)) steps {
	var mu sync.Mutex
	return func(step string, total int64) func(int) {
		done := int64(0)
		return func(n int) {
			mu.Lock()
			defer mu.Unlock()
			if done += int64(n); tell != nil {
				tell(step, done, total)
			}
		}
	}
}
