package runbook

import (
	"bytes"
	"fmt"
	"strings"
)

// textWidth is what fits on a console and on a printed page, and in a quoted mail.
const textWidth = 78

// text renders for a terminal.
func text(d document) []byte {
	var out bytes.Buffer
	for i, b := range d.blocks {
		if i > 0 && (b.kind != kindBullet || d.blocks[i-1].kind != kindBullet) {
			out.WriteByte('\n')
		}
		switch b.kind {
		case kindHeading:
			title := plainly(b.text)
			rule := map[int]string{1: "=", 2: "-", 3: "."}[b.level]
			fmt.Fprintf(&out, "%s\n%s\n", title, strings.Repeat(rule, columns(title)))
		case kindPara:
			wrap(&out, "", "", b.text)
		case kindBullet:
			wrap(&out, "  - ", "    ", b.text)
		case kindStep:
			textStep(&out, b)
		case kindTable:
			textTable(&out, b)
		}
	}
	return out.Bytes()
}

// plainly drops the marks of code.
func plainly(s string) string { return strings.ReplaceAll(s, "`", "") }

func textStep(out *bytes.Buffer, b block) {
	wrap(out, fmt.Sprintf("[ ] %2d. ", b.number), "        ", b.text)
	if len(b.commands) > 0 {
		out.WriteByte('\n')
	}
	for _, c := range b.commands {
		textCommand(out, c)
	}
}

// labelWidth is that of the first column where a table has two.
const labelWidth = 14

// textTable writes a row as lines: names are too long for columns.
func textTable(out *bytes.Buffer, b block) {
	for _, row := range b.rows {
		if len(row) == 2 {
			label := plainly(row[0]) + ":"
			if columns(label) >= labelWidth { // a fact may have any name
				wrap(out, "  ", "  ", label)
				label = ""
			}
			wrap(out, fmt.Sprintf("  %-*s", labelWidth, label), strings.Repeat(" ", 2+labelWidth), row[1])
			continue
		}
		first := fmt.Sprintf("  %3s  ", row[0])
		for i, cell := range row[1:] {
			switch {
			case cell == "":
				continue
			case i == 0:
				wrap(out, first, "       ", cell)
			default:
				wrap(out, fmt.Sprintf("       %-9s", b.header[i+1]+":"), "                ", cell)
			}
		}
	}
}

// wrap writes a text in lines of textWidth.
func wrap(out *bytes.Buffer, first, rest, s string) {
	line, empty := first, true
	for _, w := range strings.Fields(plainly(s)) {
		if !empty && columns(line)+1+columns(w) > textWidth {
			fmt.Fprintln(out, line)
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		for _, r := range w {
			if columns(line+string(r)) > textWidth {
				fmt.Fprintln(out, line)
				line = rest
			}
			line += string(r)
		}
		empty = false
	}
	fmt.Fprintln(out, strings.TrimRight(line, " "))
}

// Indents of commands, and what they leave for a word and a backslash.
const (
	commandIndent  = "    "
	continueIndent = "      "
)

// textCommand breaks a line only where bash joins it again: between words, or between
// the pieces of one, which then stand at the margin.
func textCommand(out *bytes.Buffer, c command) {
	const room = textWidth - len(` \`)
	line := commandIndent
	for i, w := range c {
		whole := w.String()
		switch {
		case i == 0 && columns(line+whole) <= room:
			line += whole
			continue
		case i > 0 && columns(line)+1+columns(whole) <= room:
			line += " " + whole
			continue
		case i > 0:
			fmt.Fprintln(out, line+` \`)
			line = continueIndent
		}
		for _, piece := range w {
			if columns(line)+columns(piece) > room {
				fmt.Fprintln(out, line+`\`)
				line = ""
			}
			line += piece
		}
	}
	fmt.Fprintln(out, line)
}
