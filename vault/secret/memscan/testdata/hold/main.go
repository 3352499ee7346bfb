// Command hold keeps what it reads from standard input as args say, and says the
// SHA-256 of what it holds when it is told to end, or crashes.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"coldvault/vault/secret"
)

// size of what is read; standard input stays open after it.
const size = 64

var copied []byte // what a careless program keeps

func main() {
	time.AfterFunc(time.Minute, func() { os.Exit(99) })
	stderr, err := secret.DetachStderr()
	if err == nil {
		err = secret.Harden()
	}
	if err == nil {
		err = secret.Guard(func() { hold(os.Args[1]) })
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		os.Exit(1)
	}
}

func hold(how string) {
	allocate := secret.New
	if how == "seed" {
		allocate = secret.NewSeed
	}
	b, err := allocate(size)
	if err != nil {
		panic(err)
	}
	for n := 0; n < size; {
		read, err := os.Stdin.Read(b.Bytes()[n:])
		if err != nil {
			panic(err)
		}
		n += read
	}
	sum := sha256.Sum256(b.Bytes())
	switch how {
	case "copy":
		copied = append(copied, b.Bytes()...)
	case "destroyed":
		b.Destroy()
	case "panic":
		panic(string(b.Bytes()))
	}
	fmt.Println("ready", secret.Features().MemfdSecret)
	_, _ = os.Stdin.Read([]byte{0}) // until it is closed
	if how != "destroyed" {
		sum = sha256.Sum256(b.Bytes())
	}
	fmt.Printf("%x %d\n", sum, len(copied))
}
