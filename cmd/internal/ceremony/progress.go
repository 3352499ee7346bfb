package ceremony

import (
	"fmt"
	"time"
)

// throttled turns counts of bytes into a line of progress with rate and time left, at most
// a few times a second.
func throttled(c Console) func(step string, done, total int64) {
	var started, shown time.Time
	var last string
	return func(step string, done, total int64) {
		now := time.Now()
		if step != last {
			last, started = step, now
		}
		if done < total && now.Sub(shown) < 200*time.Millisecond {
			return
		}
		shown = now
		c.Progress(step+rate(done, total, now.Sub(started)), int(done>>20), max(1, int(total>>20)))
	}
}

// rate is ", 35 MiB/s, 2m10s left".
func rate(done, total int64, spent time.Duration) string {
	if spent < time.Second || done == 0 {
		return ""
	}
	perSecond := float64(done) / spent.Seconds()
	left := time.Duration(float64(total-done) / perSecond * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf(", MiB at %.0f MiB/s, %s left", perSecond/(1<<20), left)
}
