package scan

import (
	"os"
	"testing"
)

func BenchmarkDev(b *testing.B) {
	data, _ := os.ReadFile(os.Getenv("DEV_FILE"))
	for b.Loop() {
		Read(data, Options{})
	}
}
