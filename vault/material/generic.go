package material

import (
	"bytes"
	"fmt"
)

// Checks of files that no profile knows.
const (
	CheckEmpty   = "GENERIC-EMPTY"
	CheckWebPage = "GENERIC-WEB-PAGE"
)

// judgeGeneric says about a file of unknown kind what can be said of any file: that
// it is empty, or that it is what a server answered instead of a backup.
func judgeGeneric(f File) []Verdict {
	switch {
	case f.Size == 0:
		return []Verdict{{
			Status: Warn, ID: CheckEmpty, Files: []string{f.Name},
			Text: fmt.Sprintf("%q is empty", f.Name),
		}}
	case isWebPage(f.Data):
		return []Verdict{{
			Status: Fail, ID: CheckWebPage, Files: []string{f.Name},
			Text: fmt.Sprintf("%q is a web page or an error answer, not a backup: the command that fetched it failed", f.Name),
		}}
	}
	return nil
}

// isWebPage tells HTML, a raw HTTP answer, and the JSON of an error.
func isWebPage(data []byte) bool {
	const enough = 64
	head := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), enough)], " \t\r\n\ufeff"))
	for _, start := range []string{"<!doctype html", "<html", "http/1.", "http/2", `{"error":`, `{"error" :`} {
		if bytes.HasPrefix(head, []byte(start)) {
			return true
		}
	}
	return false
}
