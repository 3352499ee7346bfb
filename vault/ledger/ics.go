package ledger

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteICS writes the dates of a status as a calendar (RFC 5545): a day and an alarm for
// each. It names custodians and places, as the ledger does, and holds no secret.
//
// An entry keeps its UID while its date moves, and its SEQUENCE grows with the ledger
// (RFC 5545 section 3.8.7.4), so a calendar that takes the file again moves the entry.
func WriteICS(w io.Writer, s Status) error {
	var b bytes.Buffer
	line := func(format string, args ...any) { writeFolded(&b, fmt.Sprintf(format, args...)) }
	line("BEGIN:VCALENDAR")
	line("VERSION:2.0")
	line("PRODID:-//coldvault//status//EN")
	line("CALSCALE:GREGORIAN")
	for _, d := range s.Dates {
		line("BEGIN:VEVENT")
		line("UID:%s@%s.coldvault", d.UID, s.Vault)
		line("DTSTAMP:%s", s.Time.UTC().Format("20060102T150405Z"))
		line("SEQUENCE:%d", s.Lines)
		// A date without an end is that one day (section 3.6.1).
		line("DTSTART;VALUE=DATE:%s", d.On.UTC().Format("20060102"))
		line("SUMMARY:%s", escapeText(d.What))
		line("DESCRIPTION:%s", escapeText(d.Text))
		line("TRANSP:TRANSPARENT")
		line("BEGIN:VALARM")
		line("ACTION:DISPLAY")
		line("DESCRIPTION:%s", escapeText(d.What))
		line("TRIGGER:-P%dD", d.Alarm)
		line("END:VALARM")
		line("END:VEVENT")
	}
	line("END:VCALENDAR")
	_, err := w.Write(b.Bytes())
	return err
}

// escapeText is TEXT of RFC 5545 section 3.3.11.
func escapeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(s)
}

// maxContentLine is the octets of a line without its break (RFC 5545 section 3.1).
const maxContentLine = 75

// writeFolded writes a content line, folded between characters.
func writeFolded(b *bytes.Buffer, s string) {
	room := maxContentLine
	for len(s) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		b.WriteString(s[:cut])
		b.WriteString("\r\n ")
		s, room = s[cut:], maxContentLine-1 // the space counts
	}
	b.WriteString(s)
	b.WriteString("\r\n")
}
