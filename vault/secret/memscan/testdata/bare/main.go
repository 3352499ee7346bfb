// Command bare keeps what it reads from standard input in ordinary memory, and
// does not link what forbids core files.
package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	time.AfterFunc(time.Minute, func() { os.Exit(99) })
	held := make([]byte, 64)
	if _, err := io.ReadFull(os.Stdin, held); err != nil {
		panic(err)
	}
	if os.Args[1] == "panic" {
		panic(string(held))
	}
	fmt.Println("ready", false)
	_, _ = os.Stdin.Read(make([]byte, 1))
	fmt.Println(len(held))
}
