// Package testvectors holds frozen files for the rules of FORMAT.md, one success or one failure in each, and
// recover.py, an independent implementation of what gets a backup back. Its tests hold both against this module.
//
// The package gives recover.py to the program, which writes it onto every medium. It has no state and handles no keys.
package testvectors

import _ "embed" // for recover.py

//go:embed recover.py
var script string

// RecoverPy returns the text of recover.py, as a copy.
func RecoverPy() []byte { return []byte(script) }
