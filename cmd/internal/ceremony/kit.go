package ceremony

import (
	_ "embed"

	"coldvault/testvectors"
)

// restoreText tells a stranger how to restore from a medium.
//
//go:embed RESTORE.txt
var restoreText []byte

// kit is what a medium carries besides the backup itself.
func kit() map[string][]byte {
	return map[string][]byte{"RESTORE.txt": restoreText, "recover.py": testvectors.RecoverPy()}
}
