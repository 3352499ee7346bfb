// Package testvectors holds frozen files for the rules of FORMAT.md, one success or one failure in each, and
// recover.py, an independent implementation of what gets a backup back. Its tests hold both against this module.
//
// The package gives recover.py to the program, which writes it onto every medium, and a golden vault, with which the
// program tests itself. It has no state and handles no keys but the throwaway ones of that vault.
package testvectors

import (
	"embed"
	"io/fs"
)

//go:embed recover.py
var script string

// RecoverPy returns the text of recover.py, as a copy.
func RecoverPy() []byte { return []byte(script) }

//go:embed vaults/v1-cardano/medium/coldvault vaults/v1-cardano/cards/*.digits.txt vaults/v1-cardano/expected/000002.sha256
var goldenFiles embed.FS

// Golden returns a vault with throwaway keys as it lies in vaults/: medium/, cards/ and expected/.
func Golden() fs.FS {
	sub, err := fs.Sub(goldenFiles, "vaults/v1-cardano")
	if err != nil {
		panic(err) // the name above is not a path
	}
	return sub
}
